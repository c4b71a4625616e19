"""Real processes on a real broker and a real database, killed and starved while events flow, and a checker of what must still hold."""
