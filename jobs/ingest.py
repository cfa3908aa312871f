"""Bring what landed into bronze.bars and silver.quarantine.

Run: spark-submit --properties-file spark-defaults.conf jobs/ingest.py --lake lake/main
"""

from collections.abc import Sequence

from barlake.cli import ingest, script


def main(argv: Sequence[str] | None = None) -> None:
    """Do the work of `barlake ingest`."""
    script(ingest, argv)


if __name__ == "__main__":
    main()
