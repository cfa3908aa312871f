"""Hold minutes against daily bars, and the stream against gold; write ops.dq_results.

Run: spark-submit --properties-file spark-defaults.conf jobs/reconcile.py --lake lake/main
"""

from collections.abc import Sequence

from barlake.cli import reconcile, script


def main(argv: Sequence[str] | None = None) -> None:
    """Do the work of `barlake reconcile`."""
    script(reconcile, argv)


if __name__ == "__main__":
    main()
