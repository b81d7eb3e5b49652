"""``python -m sat.frontends.console`` is ``primitivus``."""

import sys

from sat.frontends.console.main import main

if __name__ == "__main__":
    sys.exit(main())
