"""``python -m sat.frontends.telepathy``."""

import sys

from sat.frontends.telepathy.main import main

sys.exit(main())
