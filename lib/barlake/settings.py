"""Settings: conf/*.yaml and the environment, validated."""

import os
from contextvars import ContextVar
from hashlib import sha256
from pathlib import Path
from typing import Literal

from dotenv import load_dotenv
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FilePath,
    FiniteFloat,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from barlake.model.errors import InputError
from barlake.model.table import LOG_DAYS

PROJECT = Path(__file__).parents[2]
CONF = PROJECT / "conf"
EVERYWHERE = ("base", "quality")  # files of conf/ that belong to no environment
DOTENV = PROJECT / ".env"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "barlake")
_environment = ContextVar("environment", default="embedded")


class Section(BaseModel):
    """A part of the settings; an unknown key is an error, so that a typo cannot hide."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LakeSettings(Section):
    """Where the lake is: a folder, relative to where the command is given, or s3a://bucket/prefix.

    The rest is about a bucket: `endpoint` is where its store answers, None for AWS.
    """

    root: str = Field(min_length=1)
    endpoint: str | None = Field(pattern=r"^https?://[^/@?#]+/?$")
    region: str = Field(min_length=1)
    path_style: bool
    lease_seconds: PositiveFloat

    @field_validator("endpoint", mode="before")
    @classmethod
    def _unset(cls, value: object) -> object:
        """An empty variable is as good as none: AWS."""
        return value or None


class LifecycleSettings(Section):
    """After how many days the store of a lake in a bucket removes what by itself; None is never."""

    reports_days: PositiveInt | None
    staging_days: PositiveInt | None
    replaced_days: PositiveInt | None
    uploads_days: PositiveInt | None


class SourceSettings(Section):
    """Where bars come from, and how they are asked for."""

    name: Literal["files", "simulated", "yahoo"]
    seed: int
    horizon_days: PositiveInt
    sessions_per_request: PositiveInt
    reread_sessions: PositiveInt
    requests_per_batch: PositiveInt
    daily: bool
    unknown_days: PositiveInt


class YahooSettings(Section):
    """How Yahoo is asked: how often, how patiently, and through what."""

    interval_ms: PositiveInt
    requests_per_day: PositiveInt
    refusals_max: PositiveInt
    pause_seconds: NonNegativeFloat
    pauses_max: NonNegativeInt
    attempts: PositiveInt
    wait_initial_seconds: PositiveFloat
    wait_max_seconds: PositiveFloat
    wait_jitter_seconds: NonNegativeFloat
    timeout_seconds: PositiveFloat
    requests_per_batch: PositiveInt
    proxy: str | None
    ca_file: FilePath | None


class TimingSettings(Section):
    """When a bar is final."""

    settle_minutes: NonNegativeInt


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
    outage_share: float
    outage_tickers_min: int


class LabelSettings(Section):
    """How long a label of a session's close is kept, and with it the files that it needs."""

    keep_days: PositiveInt

    @field_validator("keep_days")
    @classmethod
    def _within_the_log(cls, value: int) -> int:
        """A version older than the tables' log cannot be read, whatever files are kept."""
        if value >= LOG_DAYS:
            raise ValueError(f"the tables' log goes back {LOG_DAYS} days: keep labels for less")
        return value


class QualityRule(Section):
    """A rule of the quality gate: what of `fact` is above `max`, or a ticker's own, breaks it."""

    fact: str
    severity: Literal["critical", "warning"]
    max: FiniteFloat
    tickers: dict[str, FiniteFloat]
    sentence: str = Field(min_length=1)

    @field_validator("tickers")
    @classmethod
    def _spelled(cls, value: dict[str, float]) -> dict[str, float]:
        """A variable of the environment comes in small letters."""
        return {ticker.upper(): limit for ticker, limit in value.items()}


class QualitySettings(Section):
    """What the quality gate holds against a batch; conf/quality.yaml explains each."""

    samples: PositiveInt
    received_min: PositiveInt
    unit_ratio: float = Field(gt=1)
    history_min: PositiveInt
    rules: dict[str, QualityRule]


class BoundSettings(Section):
    """How far a minute value may be from the daily one; see `transforms.reconcile.Bounds`."""

    floor: NonNegativeFloat
    ceiling: NonNegativeFloat
    unknown: NonNegativeFloat


class ReconcileSettings(Section):
    """How minutes are held against daily bars."""

    sessions_back: PositiveInt
    sessions_min: PositiveInt
    deviations: NonNegativeFloat
    price: BoundSettings
    volume: BoundSettings


class PagesSettings(Section):
    """How much the HTML pages show, newest first."""

    gaps_sessions: PositiveInt
    trend_sessions: PositiveInt
    ticker_sessions: PositiveInt
    runs: PositiveInt
    failures: PositiveInt


class Settings(BaseSettings):
    """Every setting that differs between environments, and no secret."""

    model_config = SettingsConfigDict(
        env_prefix="BARLAKE_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    environment: str
    lake: LakeSettings
    lifecycle: LifecycleSettings
    source: SourceSettings
    yahoo: YahooSettings
    timing: TimingSettings
    units: UnitSettings
    coverage: CoverageSettings
    labels: LabelSettings
    quality: QualitySettings
    reconcile: ReconcileSettings
    pages: PagesSettings

    @property
    def digest(self) -> str:
        """SHA-256 of all settings, for ops.runs."""
        return sha256(self.model_dump_json().encode()).hexdigest()

    def requests_per_batch(self, source: str) -> int:
        """Give how many answers of a source are landed together."""
        chosen = self.yahoo if source == "yahoo" else self.source
        return chosen.requests_per_batch

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
        files = [CONF / f"{name}.yaml" for name in (*EVERYWHERE, _environment.get())]
        yaml = YamlConfigSettingsSource(settings_cls, yaml_file=files, deep_merge=True)
        return init_settings, env_settings, yaml


def load(environment: str | None = None) -> Settings:
    """Read the settings of an environment: the one named, or $BARLAKE_ENVIRONMENT, or embedded.

    Variables that .env holds count as if the environment held them, unless it does.

    Raises:
        InputError: The environment has no file, or a setting is missing, unknown or of a wrong
            type.
    """
    load_dotenv(DOTENV)
    name = environment or os.environ.get("BARLAKE_ENVIRONMENT", "embedded")
    known = sorted(path.stem for path in CONF.glob("*.yaml") if path.stem not in EVERYWHERE)
    if name not in known:
        raise InputError(f"there is no environment {name}; conf/ has {', '.join(known)}")
    _refuse_strangers()
    chosen = _environment.set(name)
    try:
        return Settings(environment=name)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"setting {where}: {first['msg']}") from None
    finally:
        _environment.reset(chosen)


def _refuse_strangers() -> None:
    """Refuse a variable that names no section: the reader of settings would pass it over."""
    for variable in os.environ:
        section = variable.removeprefix("BARLAKE_").split("__")[0].lower()
        if variable.startswith("BARLAKE_") and "__" in variable and section not in _sections():
            raise InputError(f"setting {section}: no section of that name; {variable} is set")


def _sections() -> set[str]:
    return set(Settings.model_fields)
