"""The manners of a simulated vendor: everything in which it differs from the truth."""

from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from typing import Any, Generic, Self, TypeVar

from barlake.model.errors import InputError

Case = TypeVar("Case")


@dataclass(frozen=True, slots=True)
class Chance(Generic[Case]):
    """How often something happens: by draw, at `rate` of [0, 1], and for certain `at` these cases.

    Raises:
        InputError: The rate is outside [0, 1].
    """

    rate: float = 0.0
    at: tuple[Case, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise InputError(f"a rate lies in [0, 1]; {self.rate} does not")

    def __bool__(self) -> bool:
        return self.rate > 0 or bool(self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """From the first session of `ex_date` on, one old share is `ratio` new ones."""

    ticker: str
    ex_date: date
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Dividend:
    """`value` USD per share as traded, announced on the first session from `ex_date` on."""

    ticker: str
    ex_date: date
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One bar of the session is another for every fetch at or after `known_at` (UTC).

    `minute` is the bar's minute of the session; None takes any bar that has volume.
    """

    ticker: str
    session_date: date
    known_at: datetime
    minute: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delisting:
    """The ticker has no bars in any session of `first_without` or later."""

    ticker: str
    first_without: date


TickerSession = tuple[str, date]
TickerMinute = tuple[str, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """One field a manner; left out, the vendor does not have it.

    sparse: Share of tickers that trade in 30 to 60 % of the minutes only.
    halts: Per ticker and session, a run of 5 to 60 minutes without bars.
    missing_minutes: Per minute of a ticker that is not sparse, a bar that the vendor lost.
    outages: Per session, two minutes that are lost for every ticker.
    extended_hours: Bars of volume 0 before the open and after the close.
    closing_auction: A bar stamped at the close.
    live_snapshot: While the session runs, a last row stamped with the second of the fetch.
    provisional: Bars that began less than 16 minutes before the fetch have other values later.
    first_row: The first row of a request that starts inside a session has volume 0.
    flips: Per bar, a second value, which one of the vendor's two back ends serves.
    duplicates: Per ticker, session and fetch, a row that comes twice.
    conflicting_duplicates: The same, with other values the second time.
    corrections: Per ticker and session, a bar that is another from 1 to 5 days after the close.
    float_noise: Prices are 32-bit floats widened to 64.
    splits: Per ticker and year.
    dividends: Per ticker and quarter.
    unknown_tickers: Shell patterns of tickers that the vendor does not know.
    delistings: Tickers that have no bars from a date on.
    horizon: How far back a request may start, from the second of the fetch.
    window: How long a request's range may be.
    rate_limits: Per request and instant, a refusal; `at` names tickers always refused.
    partial_answers: Per request and instant, a payload that stops early; `at` names tickers.
    daily_auctions: Per ticker and session, a daily bar that closes with the auction.
    daily_off_exchange: The same, one whose volume counts trades that no minute has.
    daily_extended: The same, one whose high and low are those of the whole day, 04:00 to 20:00.
    daily_revisions: The same, one that is another from 1 to 5 days after the close.
    """

    sparse: Chance[str] = Chance()
    halts: Chance[TickerSession] = Chance()
    missing_minutes: Chance[TickerMinute] = Chance()
    outages: Chance[date] = Chance()
    extended_hours: bool = False
    closing_auction: bool = False
    live_snapshot: bool = False
    provisional: bool = False
    first_row: bool = False
    flips: Chance[TickerMinute] = Chance()
    duplicates: Chance[TickerSession] = Chance()
    conflicting_duplicates: Chance[TickerSession] = Chance()
    corrections: Chance[Correction] = Chance()
    float_noise: bool = False
    splits: Chance[Split] = Chance()
    dividends: Chance[Dividend] = Chance()
    unknown_tickers: tuple[str, ...] = ()
    delistings: tuple[Delisting, ...] = ()
    horizon: timedelta | None = None
    window: timedelta | None = None
    rate_limits: Chance[str] = Chance()
    partial_answers: Chance[str] = Chance()
    daily_auctions: Chance[TickerSession] = Chance()
    daily_off_exchange: Chance[TickerSession] = Chance()
    daily_extended: Chance[TickerSession] = Chance()
    daily_revisions: Chance[Correction] = Chance()

    @classmethod
    def none(cls) -> Self:
        """Give a vendor that serves the regular session as it was, whenever it is asked."""
        return cls()

    @classmethod
    def usual(cls) -> Self:
        """Give a vendor like the real one; it delists nothing unasked."""
        return cls(
            sparse=Chance(0.10),
            halts=Chance(0.002),
            missing_minutes=Chance(0.0005),
            outages=Chance(0.02),
            extended_hours=True,
            closing_auction=True,
            live_snapshot=True,
            provisional=True,
            first_row=True,
            flips=Chance(0.00065),  # measured: 76 of 117,182 bars
            duplicates=Chance(0.002),
            conflicting_duplicates=Chance(0.0001),
            corrections=Chance(0.005),
            float_noise=True,
            splits=Chance(0.01),
            dividends=Chance(0.5),
            unknown_tickers=("ZZ*",),
            horizon=timedelta(days=30),
            window=timedelta(days=8),
            rate_limits=Chance(0.01),
            partial_answers=Chance(0.005),
            daily_auctions=Chance(0.95),
            daily_off_exchange=Chance(1.0),
            daily_extended=Chance(0.02),
            daily_revisions=Chance(0.005),
        )

    @classmethod
    def only(cls, *names: str, rate: float | None = None) -> Self:
        """Give a vendor with the named manners alone, as usual; `rate` replaces their rates.

        Raises:
            InputError: A name is no manner, or the rate is outside [0, 1].
        """
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(names) - known):
            raise InputError(f"{unknown} are no manners; there are {sorted(known)}")
        usual = cls.usual()
        chosen: dict[str, Any] = {name: getattr(usual, name) for name in names}
        if rate is not None:
            drawn = {name for name, manner in chosen.items() if isinstance(manner, Chance)}
            chosen |= {name: replace(chosen[name], rate=rate) for name in drawn}
        return cls(**chosen)
