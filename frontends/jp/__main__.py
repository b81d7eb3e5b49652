"""``python -m sat.frontends.jp``."""

from sat.frontends.jp.main import main

main()
