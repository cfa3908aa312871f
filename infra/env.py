"""Write .env: a copy of .env.example with generated secrets, for its owner's eyes alone.

Run: python infra/env.py [FILE]

A file that is there already stays as it is: secrets that have been used cannot be replaced by
writing them anew, since the databases and stores that were made with them know the old ones.
"""

from __future__ import annotations

import argparse
import base64
import re
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from infra import server  # noqa: E402

EXAMPLE = PROJECT / ".env.example"


def _hex() -> str:
    return secrets.token_hex(20)


def _fernet() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


# Hexadecimal: they become parts of addresses and of JSON.
MADE: dict[str, Callable[[], str]] = {
    "AWS_ACCESS_KEY_ID": lambda: secrets.token_hex(10),
    "AWS_SECRET_ACCESS_KEY": _hex,
    "AIRFLOW_PASSWORD": lambda: secrets.token_hex(8),
    "AIRFLOW_FERNET_KEY": _fernet,
    "AIRFLOW_SECRET_KEY": _hex,
    "AIRFLOW_JWT_SECRET": lambda: secrets.token_hex(64),
    "POSTGRES_PASSWORD": _hex,
    "GRAFANA_PASSWORD": lambda: secrets.token_hex(8),
    "MARQUEZ_PASSWORD": _hex,
}


def filled(example: str) -> str:
    """Give the text of an example with a new secret for each one that it names.

    Raises:
        ValueError: It lacks one of them.
    """
    for name, make in MADE.items():
        example, found = re.subn(rf"^# {name}=$", f"{name}={make()}", example, flags=re.MULTILINE)
        if found != 1:
            raise ValueError(f".env.example has no line `# {name}=`")
    return example


def main(argv: list[str] | None = None) -> int:
    """Write the file unless it is there; both are said."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", nargs="?", type=Path, default=PROJECT / ".env")
    chosen: Path = parser.parse_args(argv).file
    if chosen.exists():
        _say(f"{chosen} is there already, and stays as it is")
        return 0
    server.write_secret(chosen, filled(EXAMPLE.read_text("utf-8")))
    _say(f"{chosen} holds new secrets, which only you can read; AIRFLOW_PASSWORD is admin's")
    return 0


def _say(sentence: str) -> None:
    sys.stderr.write(f"barlake: {sentence}\n")


if __name__ == "__main__":
    sys.exit(main())
