"""Bring one source into landing/.

Run: spark-submit --properties-file spark-defaults.conf jobs/fetch.py --lake lake/main
"""

from collections.abc import Sequence

from barlake.cli import fetch, script


def main(argv: Sequence[str] | None = None) -> None:
    """Do the work of `barlake fetch`."""
    script(fetch, argv)


if __name__ == "__main__":
    main()
