"""Gold: what people and models read."""

from barlake.model.columns import (
    COMPUTED_AT,
    OHLC,
    OHLC_CHECKS,
    RUN_ID,
    SESSION_DATE,
    SESSION_MONTH,
    TICKER,
    TS,
    VOLUME,
)
from barlake.model.table import Column, Table, Zone

_FEATURES = (
    Column("ret_1m", "DOUBLE", "", "close / close one minute before - 1"),
    Column("ret_5m", "DOUBLE", "", "close / close five minutes before - 1"),
    Column("log_ret_1m", "DOUBLE", "", "log return over one minute"),
    Column("log_ret_5m", "DOUBLE", "", "log return over five minutes"),
    Column("log_ret_15m", "DOUBLE", "", "log return over fifteen minutes"),
    Column("sma_20", "DOUBLE", "USD", "mean close over 20 minutes"),
    Column("std_20", "DOUBLE", "USD", "sample standard deviation of close over 20 minutes"),
    Column("ema_12", "DOUBLE", "USD", "exponential average of close, 2 / 13, from the first close"),
    Column("ema_26", "DOUBLE", "USD", "exponential average of close, 2 / 27, from the first close"),
    Column("rv_30", "DOUBLE", "", "root of the sum of squared log_ret_1m over 30 minutes"),
    Column("high_30", "DOUBLE", "USD", "highest high over 30 minutes"),
    Column("low_30", "DOUBLE", "USD", "lowest low over 30 minutes"),
    Column("volume_sum_15", "BIGINT", "shares", "volume over 15 minutes"),
    Column(
        "volume_z_60",
        "DOUBLE",
        "",
        "(volume - mean) / sample standard deviation over 60 minutes; null when that is 0",
    ),
    Column("rsi_14", "DOUBLE", "", "Wilder's relative strength index, 0 to 100"),
    Column("atr_14", "DOUBLE", "USD", "Wilder's average true range"),
    Column("vwap", "DOUBLE", "USD", "running session VWAP of hlc3; null until a share traded"),
    Column("vwap_dist", "DOUBLE", "", "close / vwap - 1"),
    Column(
        "rel_volume_20d",
        "DOUBLE",
        "",
        "cumulative volume over its median at the same minute of the ticker's last 20 sessions; "
        "null under 5 sessions or where the median is 0",
    ),
    Column(
        "gap_from_prior_close",
        "DOUBLE",
        "",
        "first open / last regular close of the previous session - 1; null where that is not held",
    ),
)

FEATURES_1M = Table(
    zone=Zone.GOLD,
    name="features_1m",
    doc="Features of every regular minute, filled ones included: windows reset at each session, "
    "look only backward and are null until full.",
    columns=(
        TICKER,
        TS,
        SESSION_DATE,
        *_FEATURES,
        Column("is_filled", "BOOLEAN", "", "the minute is filled", nullable=False),
        Column("n_filled_60", "INT", "minutes", "filled among the last 60", nullable=False),
        Column(
            "input_revision", "INT", "", "largest revision in its session so far", nullable=False
        ),
        RUN_ID,
        COMPUTED_AT,
        SESSION_MONTH,
    ),
    key=("ticker", "ts"),
    partition_by=("session_month",),
    order_by=("ticker", "ts"),
    zorder_by=("ticker",),
    prune_by=("session_date",),
    lineage=("run_id", "computed_at"),
)

INTERVALS = {"5m": 5, "15m": 15, "30m": 30, "60m": 60, "1d": 1440}

BARS = Table(
    zone=Zone.GOLD,
    name="bars",
    doc="Bars of 5 minutes to one session, anchored at the session's open, from observed minutes "
    "alone; a bucket without one has no row.",
    columns=(
        TICKER,
        Column("interval", "STRING", "", ", ".join(INTERVALS), nullable=False),
        Column("ts", "TIMESTAMP", "UTC", "start of the bucket, inclusive", nullable=False),
        SESSION_DATE,
        *OHLC,
        VOLUME,
        Column("vwap", "DOUBLE", "USD", "of hlc3; null without volume"),
        Column("n_observed", "INT", "minutes", "observed in the bucket", nullable=False),
        Column("n_expected", "INT", "minutes", "of the session in the bucket", nullable=False),
        Column("is_short", "BOOLEAN", "", "last bucket, cut by the close", nullable=False),
        RUN_ID,
        COMPUTED_AT,
        SESSION_MONTH,
    ),
    key=("ticker", "interval", "ts"),
    partition_by=("session_month",),
    order_by=("ticker", "interval", "ts"),
    zorder_by=("ticker",),
    prune_by=("session_date",),
    lineage=("run_id", "computed_at"),
    checks=OHLC_CHECKS,
)
