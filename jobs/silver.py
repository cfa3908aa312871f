"""Bring what was ingested into silver.bars_1m and silver.coverage.

Run: spark-submit --properties-file spark-defaults.conf jobs/silver.py --lake lake/main
"""

from collections.abc import Sequence

from barlake.cli import script, silver


def main(argv: Sequence[str] | None = None) -> None:
    """Do the work of `barlake silver`."""
    script(silver, argv)


if __name__ == "__main__":
    main()
