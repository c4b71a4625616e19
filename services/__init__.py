"""The five services. Each folder has the same files; its docstring is its data flow."""
