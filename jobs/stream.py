"""Read bars from Kafka into gold: running VWAP and alerts, until Ctrl-C or SIGTERM.

Run: spark-submit --properties-file spark-defaults.conf jobs/stream.py --lake lake/main
"""

from collections.abc import Sequence

from barlake.cli import script
from barlake.cli_stream import stream


def main(argv: Sequence[str] | None = None) -> None:
    """Do the work of `barlake stream`."""
    script(stream, argv)


if __name__ == "__main__":
    main()
