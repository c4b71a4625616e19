"""In-memory twins of the roles in `kit.ports`: short, plain, and held to the same tests as the adapters."""
