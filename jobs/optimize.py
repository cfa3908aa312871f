"""Lay out what changed: silver's days, gold's closed months.

Run: spark-submit --properties-file spark-defaults.conf jobs/optimize.py --lake lake/main
"""

from collections.abc import Sequence

from barlake.cli import optimize, script


def main(argv: Sequence[str] | None = None) -> None:
    """Do the work of `barlake optimize`."""
    script(optimize, argv)


if __name__ == "__main__":
    main()
