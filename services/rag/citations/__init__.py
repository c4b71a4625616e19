"""What a model says it quotes: read from its draft, found in the passages, verified against the stored text."""
