"""Bring every table back to what it was at a session's close.

Run: spark-submit --properties-file spark-defaults.conf jobs/restore.py close-2026-11-20
"""

from collections.abc import Sequence

from barlake.cli import restore, script


def main(argv: Sequence[str] | None = None) -> None:
    """Do the work of `barlake restore`."""
    script(restore, argv)


if __name__ == "__main__":
    main()
