"""Other frameworks, one a module: `python -m tests.report.peers.<name>` reads the data as JSON and prints what it found."""
