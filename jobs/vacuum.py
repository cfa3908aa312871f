"""Delete data files that only versions beyond the retention use, and no label.

Run: spark-submit --properties-file spark-defaults.conf jobs/vacuum.py --lake lake/main
"""

from collections.abc import Sequence

from barlake.cli import script, vacuum


def main(argv: Sequence[str] | None = None) -> None:
    """Do the work of `barlake vacuum`."""
    script(vacuum, argv)


if __name__ == "__main__":
    main()
