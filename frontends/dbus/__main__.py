"""``python -m sat.frontends.dbus``."""

import sys

from sat.frontends.dbus.main import main

sys.exit(main())
