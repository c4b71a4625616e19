"""The roles a service needs played: Protocols with a promise. Adapters are in `kit.adapters`, in-memory twins in `kit.fakes`."""
