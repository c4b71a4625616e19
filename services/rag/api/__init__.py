"""HTTP: thin edges over the verbs. Requests are closed (an unknown field is an error), errors are problem+json."""
