"""The whole workbench on one machine without containers: three servers as child processes, five services in this process."""
