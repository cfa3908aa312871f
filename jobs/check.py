"""Judge stored sessions, or without a range what landed and waits; publish nothing.

Run: spark-submit --properties-file spark-defaults.conf jobs/check.py --lake lake/main
"""

from collections.abc import Sequence

from barlake.cli import check, script


def main(argv: Sequence[str] | None = None) -> None:
    """Do the work of `barlake check`."""
    script(check, argv)


if __name__ == "__main__":
    main()
