"""`python -m tal_cli` starts the program."""

import sys

from tal_cli import main

sys.exit(main())
