"""Bring what changed in silver into gold.features_1m and gold.bars.

Run: spark-submit --properties-file spark-defaults.conf jobs/gold.py --lake lake/main
"""

from collections.abc import Sequence

from barlake.cli import gold, script


def main(argv: Sequence[str] | None = None) -> None:
    """Do the work of `barlake gold`."""
    script(gold, argv)


if __name__ == "__main__":
    main()
