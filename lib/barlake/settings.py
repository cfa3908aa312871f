"""Settings: conf/*.yaml and the environment, validated."""

import os
from contextvars import ContextVar
from hashlib import sha256
from pathlib import Path

import structlog
from dotenv import load_dotenv
from pydantic import (
    ValidationError,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from barlake.model.errors import InputError
from barlake.sections import (
    AlertRule,
    CoverageSettings,
    FreshnessSettings,
    KafkaSettings,
    LabelSettings,
    LakeSettings,
    LifecycleSettings,
    LiveSettings,
    PagesSettings,
    QualitySettings,
    ReconcileSettings,
    SourceSettings,
    StreamSettings,
    TimingSettings,
    UnitSettings,
    YahooSettings,
)

logger = structlog.get_logger()

PROJECT = Path(__file__).parents[2]
CONF = PROJECT / "conf"
EVERYWHERE = ("base", "quality", "alerts")  # files of conf/ that belong to no environment
DOTENV = PROJECT / ".env"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "barlake")
_environment = ContextVar("environment", default="embedded")


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
    freshness: FreshnessSettings
    units: UnitSettings
    coverage: CoverageSettings
    labels: LabelSettings
    quality: QualitySettings
    reconcile: ReconcileSettings
    kafka: KafkaSettings
    pages: PagesSettings
    live: LiveSettings
    stream: StreamSettings
    alerts: dict[str, AlertRule]

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
    _warn_of_open(DOTENV)
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


def _warn_of_open(path: Path) -> None:
    """Say so where others than its owner may read a file of secrets."""
    if path.is_file() and path.stat().st_mode & 0o077:
        logger.warning("secrets can be read by others", file=str(path), do=f"chmod 600 {path}")


def _refuse_strangers() -> None:
    """Refuse a variable that names no section: the reader of settings would pass it over."""
    for variable in os.environ:
        section = variable.removeprefix("BARLAKE_").split("__")[0].lower()
        if variable.startswith("BARLAKE_") and "__" in variable and section not in _sections():
            raise InputError(f"setting {section}: no section of that name; {variable} is set")


def _sections() -> set[str]:
    return set(Settings.model_fields)
