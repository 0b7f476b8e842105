"""`python -m vqecg`: the same as the command `vqecg`."""

import sys

from vqecg.scripts.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
