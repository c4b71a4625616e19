"""The floor every service stands on: delivery, storage, ports and their adapters. Knows contracts, never a service."""
