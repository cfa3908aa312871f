"""Ask a service whether it is well: for the health checks of containers, which have no curl.

Run: python3 infra/compose/healthy.py URL [PART]

Exit code 0 where URL answers; with PART, where its JSON says that this part is healthy too.
"""

import json
import sys
import urllib.request

SECONDS = 5


def main(argv: list[str]) -> int:
    """Ask; 1 and one line if it is not well."""
    url, *part = argv
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 - the compose file's own
            told = json.load(answer) if part else {}
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{url}: {error}\n")
        return 1
    for name in part:
        status = told.get(name, {}).get("status")
        if status != "healthy":
            sys.stderr.write(f"{name} is {status}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
