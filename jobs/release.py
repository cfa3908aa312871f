"""Let refused rows in: they pass the rule that refused them, and no other.

Run: spark-submit --properties-file spark-defaults.conf jobs/release.py --rule price_range --by me \
--why "checked by hand"
"""

from collections.abc import Sequence

from barlake.cli import script
from barlake.cli_quarantine import release


def main(argv: Sequence[str] | None = None) -> None:
    """Do the work of `barlake quarantine release`."""
    script(release, argv)


if __name__ == "__main__":
    main()
