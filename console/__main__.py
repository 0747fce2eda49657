"""``python -m wirelab.console``: the ``wirelab`` command."""

import sys

from .main import main

sys.exit(main())
