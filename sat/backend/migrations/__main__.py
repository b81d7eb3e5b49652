"""Apply the migrations that a database lacks."""

from __future__ import annotations

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config


def main(database: str) -> None:
    """Bring a database to the newest revision."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["database"] = database
    command.upgrade(config, "head")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Exception as error:
        # The last line is what the person sees; SQLAlchemy's first one tells, the others advise.
        sys.exit(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")
