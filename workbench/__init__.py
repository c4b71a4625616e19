"""The command line and the embedded stack: an outside client of the services, which only `workbench.stack` starts."""
