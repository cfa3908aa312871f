"""Settings: conf/*.yaml and the environment, validated."""

import os
from hashlib import sha256
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from barlake.model.errors import InputError

PROJECT = Path(__file__).parents[2]
CONF = PROJECT / "conf"


class Section(BaseModel):
    """A part of the settings; an unknown key is an error, so that a typo cannot hide."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LakeSettings(Section):
    """Where the lake is: a folder, relative to where the command is given."""

    root: str


class SourceSettings(Section):
    """Where bars come from, and how they are asked for."""

    name: Literal["files", "simulated"]
    seed: int
    horizon_days: int
    sessions_per_request: int
    reread_sessions: int
    requests_per_batch: int


class TimingSettings(Section):
    """When a bar is final."""

    settle_minutes: int


class UnitSettings(Section):
    """When a delivery is in another share unit than the store."""

    ratio_min: float
    rows_min: int
    agreement_min: float
    tolerance: float


class CoverageSettings(Section):
    """How the reason of an absent minute is told."""

    dense_share: float
    halt_minutes: int
    outage_tickers_min: int


class Settings(BaseSettings):
    """Every setting that differs between environments, and no secret."""

    model_config = SettingsConfigDict(
        env_prefix="BARLAKE_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    environment: str
    lake: LakeSettings
    source: SourceSettings
    timing: TimingSettings
    units: UnitSettings
    coverage: CoverageSettings

    @property
    def digest(self) -> str:
        """SHA-256 of all settings, for ops.runs."""
        return sha256(self.model_dump_json().encode()).hexdigest()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        *_unused: PydanticBaseSettingsSource,
        **_also_unused: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources, strongest first."""
        files = [CONF / "base.yaml", CONF / f"{_environment()}.yaml"]
        yaml = YamlConfigSettingsSource(settings_cls, yaml_file=files, deep_merge=True)
        return init_settings, env_settings, yaml


def load(environment: str | None = None) -> Settings:
    """Read the settings of an environment: the one named, or $BARLAKE_ENVIRONMENT, or embedded.

    Raises:
        InputError: The environment has no file, or a setting is missing, unknown or of a wrong
            type.
    """
    if environment:
        os.environ["BARLAKE_ENVIRONMENT"] = environment
    if not (CONF / f"{_environment()}.yaml").exists():
        known = ", ".join(sorted(p.stem for p in CONF.glob("*.yaml") if p.stem != "base"))
        raise InputError(f"there is no environment {_environment()}; conf/ has {known}")
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InputError(f"setting {name}: {first['msg']}") from None


def _environment() -> str:
    return os.environ.get("BARLAKE_ENVIRONMENT", "embedded")
