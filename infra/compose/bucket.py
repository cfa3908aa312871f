"""Make the bucket of the lake that the settings name, unless it is there.

Run: python infra/compose/bucket.py
"""

import sys
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from barlake.io.access import Access
from barlake.settings import load

THERE = ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")


def main() -> int:
    """Make it; 1 and one sentence if the store refuses."""
    settings = load()
    name = urlsplit(settings.lake.root).netloc
    try:
        Access.of(settings.lake).client().create_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in THERE:
            return _refused(name, error)
    except BotoCoreError as error:
        return _refused(name, error)
    return 0


def _refused(name: str, error: Exception) -> int:
    sys.stderr.write(f"barlake: the bucket {name} cannot be made: {error}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
