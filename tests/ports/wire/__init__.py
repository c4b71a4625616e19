"""The wire formats of the providers of language models, as their references document them, from the server's side."""
