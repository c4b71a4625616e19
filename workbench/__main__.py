"""`python -m workbench`: the command line."""

from workbench.cli import main

if __name__ == "__main__":  # the workers that parse documents import this module too
    main()
