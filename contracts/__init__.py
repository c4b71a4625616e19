"""What the services say to each other: events, topics and their wire format. Depends on pydantic alone."""
