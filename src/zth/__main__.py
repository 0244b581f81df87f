"""`python -m zth` is the command `zth`."""

import sys

from zth.cli import main

sys.exit(main())
