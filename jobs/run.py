"""Do a whole night in one Spark session: plan, fetch, ingest, silver, gold, optimize.

Run: spark-submit --properties-file spark-defaults.conf jobs/run.py --lake lake/main
"""

from collections.abc import Sequence

from barlake.cli import run_, script


def main(argv: Sequence[str] | None = None) -> None:
    """Do the work of `barlake run`."""
    script(run_, argv)


if __name__ == "__main__":
    main()
