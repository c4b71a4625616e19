"""The registry of prompts and variants: immutable versions under names, labels that point to them, the history of every move."""
