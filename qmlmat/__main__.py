"""Lets ``python -m qmlmat`` be the command ``qmlmat``."""

from qmlmat.cli import main

if __name__ == "__main__":
    main()
