"""Make bronze, silver and gold again from landing/, in another lake.

Run: spark-submit --properties-file spark-defaults.conf jobs/rebuild.py --into lake/again
"""

from collections.abc import Sequence

from barlake.cli import rebuild, script


def main(argv: Sequence[str] | None = None) -> None:
    """Do the work of `barlake rebuild`."""
    script(rebuild, argv)


if __name__ == "__main__":
    main()
