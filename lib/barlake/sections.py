"""The parts of the settings: what each setting is, and what it may be."""

from typing import Literal

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
    field_validator,
    model_validator,
)

from barlake.model.table import LOG_DAYS

# As Kafka takes it.
TOPIC = r"^[A-Za-z0-9._-]{1,249}$"


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


class FreshnessSettings(Section):
    """By when a session is to be published: so long after its last minute is final."""

    deadline_minutes: NonNegativeInt


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


class KafkaSettings(Section):
    """Where bars are replayed to, and alerts told: `brokers` is HOST:PORT, several by commas."""

    brokers: str = Field(pattern=r"^[^\s,/]+:\d+(,[^\s,/]+:\d+)*$")
    topic: str = Field(pattern=TOPIC)
    alerts_topic: str = Field(pattern=TOPIC)
    partitions: PositiveInt
    retention_hours: PositiveInt
    delivery_timeout_seconds: PositiveFloat


class PagesSettings(Section):
    """How much the HTML pages show, newest first."""

    gaps_sessions: PositiveInt
    trend_sessions: PositiveInt
    ticker_sessions: PositiveInt
    runs: PositiveInt
    failures: PositiveInt


class AlertRule(Section):
    """When an alert is raised: what conf/alerts.yaml says of one."""

    measure: Literal["vwap_side", "vwap_deviations", "volume_deviations", "move", "silence"]
    enter: PositiveFloat
    leave: NonNegativeFloat
    cooldown_minutes: NonNegativeInt
    bars: NonNegativeInt = 0
    minutes: NonNegativeInt = 0

    @property
    def is_two_sided(self) -> bool:
        """Whether its number is on one side or the other, with nothing between."""
        return self.measure == "vwap_side"

    @model_validator(mode="after")
    def _fits(self) -> "AlertRule":
        if self.leave >= self.enter:
            raise ValueError("leave must be below enter")
        if self.measure.endswith("_deviations") and self.bars < 2:
            raise ValueError("deviations need bars, 2 at least")
        if self.measure == "move" and not self.minutes:
            raise ValueError("a move needs minutes")
        return self


class StreamSettings(Section):
    """How the stream reads the topic, and where its alerts go besides gold.alerts.

    `webhook_url`: None is nowhere. The key that signs what goes there is BARLAKE_WEBHOOK_SECRET, in
    the environment alone.
    """

    messages_per_batch: PositiveInt
    fetch_wait_ms: PositiveInt
    webhook_url: str | None = Field(pattern=r"^https?://[^@\s]+$")
    webhook_attempts: PositiveInt
    webhook_timeout_seconds: PositiveFloat
