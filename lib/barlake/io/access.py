"""How an object store is reached: the same settings for Spark, boto3, delta-rs and DuckDB.

Credentials are in none of them: each client takes them from AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY of the environment, or, on AWS, from the role of the machine.
"""

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from barlake.sections import LakeSettings

CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where a store answers: `endpoint` is its address, None for AWS itself."""

    endpoint: str | None
    region: str
    is_path_style: bool

    @classmethod
    def of(cls, settings: LakeSettings) -> "Access":
        """Give what the settings say."""
        return cls(
            endpoint=settings.endpoint,
            region=settings.region,
            is_path_style=settings.path_style,
        )

    @property
    def is_encrypted(self) -> bool:
        """Tell whether the store is spoken to through TLS."""
        return self.endpoint is None or self.endpoint.startswith("https://")

    @property
    def host(self) -> str | None:
        """The endpoint without its scheme, as DuckDB takes it."""
        return None if self.endpoint is None else urlsplit(self.endpoint).netloc

    def hadoop(self) -> dict[str, str]:
        """Give the options of Hadoop's s3a file system; spark-defaults.conf has the fixed ones."""
        options = {
            "fs.s3a.endpoint.region": self.region,
            "fs.s3a.path.style.access": _word(self.is_path_style),
            "fs.s3a.connection.ssl.enabled": _word(self.is_encrypted),
        }
        return options if self.endpoint is None else options | {"fs.s3a.endpoint": self.endpoint}

    def deltalake(self) -> dict[str, str]:
        """Give the storage options of delta-rs, which knows the environment's credentials."""
        options = {
            "AWS_REGION": self.region,
            "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": _word(not self.is_path_style),
            "AWS_ALLOW_HTTP": _word(not self.is_encrypted),
            **{name: os.environ[name] for name in CREDENTIALS if name in os.environ},
        }
        if self.endpoint is None:
            return options
        return options | {"AWS_ENDPOINT_URL": self.endpoint}

    def duckdb(self) -> dict[str, str | bool]:
        """Give the options of DuckDB's secret; it asks no role by itself, and gets what boto3 has.

        A role's credentials end after some hours, and with them what a connection may read.
        """
        options: dict[str, str | bool] = {
            "region": self.region,
            "url_style": "path" if self.is_path_style else "vhost",
            "use_ssl": self.is_encrypted,
            **_found_credentials(),
        }
        return options if self.host is None else options | {"endpoint": self.host}

    def client(self) -> Any:  # noqa: ANN401 - boto3 makes its classes at run time
        """Give boto3's client of S3, made once a process for each store and each credentials."""
        return _client(self, tuple(os.environ.get(name) for name in CREDENTIALS))


@lru_cache(maxsize=8)
def _client(access: Access, _credentials: tuple[str | None, ...]) -> Any:  # noqa: ANN401
    import boto3  # noqa: PLC0415 - 0.3 s, and a lake in a folder needs none
    from botocore.config import Config  # noqa: PLC0415

    style = "path" if access.is_path_style else "auto"
    config = Config(
        s3={"addressing_style": style},
        retries={"mode": "standard", "total_max_attempts": 4},
        connect_timeout=5,
        read_timeout=30,
        # Not every store knows the checksums that newer clients add by themselves.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.session.Session().client(
        "s3", endpoint_url=access.endpoint, region_name=access.region, config=config
    )


def _found_credentials() -> dict[str, str]:
    import boto3  # noqa: PLC0415

    found = boto3.session.Session().get_credentials()
    if found is None:
        return {}
    known = found.get_frozen_credentials()
    given = {"key_id": known.access_key, "secret": known.secret_key, "session_token": known.token}
    return {name: str(value) for name, value in given.items() if value}


def _word(value: bool) -> str:  # noqa: FBT001
    return "true" if value else "false"
