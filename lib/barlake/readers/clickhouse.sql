-- One-minute bars in ClickHouse, with 5-minute bars and each session's VWAP as aggregate states.
--
-- A state cannot be taken back: adding a corrected bar to it would count both values. So bars enter
-- through tables named *_next, which hold one session at a time, states included; a session is then
-- replaced as a whole, partition by partition. Loaded again, it gives the same numbers.

CREATE DATABASE IF NOT EXISTS barlake;

CREATE TABLE IF NOT EXISTS barlake.bars_1m
(
    ticker LowCardinality(String),
    ts DateTime64(6, 'UTC'),
    session_date Date,
    minute_of_session Nullable(Int16),
    segment LowCardinality(String),
    open Float64,
    high Float64,
    low Float64,
    close Float64,
    volume Int64,
    is_filled Bool,
    revision Nullable(Int32)
)
ENGINE = MergeTree
PARTITION BY session_date
ORDER BY (ticker, ts)
COMMENT 'silver.bars_1m: what is believed, filled minutes and extended hours included';

CREATE TABLE IF NOT EXISTS barlake.bars_5m_states
(
    ticker LowCardinality(String),
    ts DateTime64(6, 'UTC'),
    session_date Date,
    open AggregateFunction(argMin, Float64, DateTime64(6, 'UTC')),
    high SimpleAggregateFunction(max, Float64),
    low SimpleAggregateFunction(min, Float64),
    close AggregateFunction(argMax, Float64, DateTime64(6, 'UTC')),
    volume SimpleAggregateFunction(sum, Int64),
    notional SimpleAggregateFunction(sum, Float64),
    n_observed SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY session_date
ORDER BY (ticker, ts)
COMMENT 'states of 5-minute bars, from observed regular minutes; ts is the bucket''s start';

CREATE TABLE IF NOT EXISTS barlake.vwap_states
(
    ticker LowCardinality(String),
    session_date Date,
    volume SimpleAggregateFunction(sum, Int64),
    notional SimpleAggregateFunction(sum, Float64)
)
ENGINE = AggregatingMergeTree
PARTITION BY session_date
ORDER BY ticker
COMMENT 'states of each session''s VWAP: sums of volume and of hlc3 times volume';

CREATE TABLE IF NOT EXISTS barlake.bars_1m_next AS barlake.bars_1m;

CREATE TABLE IF NOT EXISTS barlake.bars_5m_states_next AS barlake.bars_5m_states;

CREATE TABLE IF NOT EXISTS barlake.vwap_states_next AS barlake.vwap_states;

CREATE MATERIALIZED VIEW IF NOT EXISTS barlake.to_bars_5m TO barlake.bars_5m_states_next AS
SELECT
    b.ticker AS ticker,
    b.ts - toIntervalMinute(assumeNotNull(b.minute_of_session) % 5) AS ts,
    b.session_date AS session_date,
    argMinState(b.open, b.ts) AS open,
    max(b.high) AS high,
    min(b.low) AS low,
    argMaxState(b.close, b.ts) AS close,
    sum(b.volume) AS volume,
    sum((b.high + b.low + b.close) / 3 * b.volume) AS notional,
    count() AS n_observed
FROM barlake.bars_1m_next AS b
WHERE b.segment = 'regular' AND NOT b.is_filled
GROUP BY
    b.ticker,
    b.session_date,
    b.ts - toIntervalMinute(assumeNotNull(b.minute_of_session) % 5);

CREATE MATERIALIZED VIEW IF NOT EXISTS barlake.to_vwap TO barlake.vwap_states_next AS
SELECT
    b.ticker AS ticker,
    b.session_date AS session_date,
    sum(b.volume) AS volume,
    sum((b.high + b.low + b.close) / 3 * b.volume) AS notional
FROM barlake.bars_1m_next AS b
WHERE b.segment = 'regular' AND NOT b.is_filled
GROUP BY b.ticker, b.session_date;

CREATE VIEW IF NOT EXISTS barlake.bars_5m AS
SELECT
    s.ticker AS ticker,
    s.ts AS ts,
    s.session_date AS session_date,
    argMinMerge(s.open) AS open,
    max(s.high) AS high,
    min(s.low) AS low,
    argMaxMerge(s.close) AS close,
    sum(s.volume) AS volume,
    if(sum(s.volume) > 0, sum(s.notional) / sum(s.volume), NULL) AS vwap,
    sum(s.n_observed) AS n_observed
FROM barlake.bars_5m_states AS s
GROUP BY s.ticker, s.ts, s.session_date;

CREATE VIEW IF NOT EXISTS barlake.vwap AS
SELECT
    s.ticker AS ticker,
    s.session_date AS session_date,
    sum(s.volume) AS volume,
    if(sum(s.volume) > 0, sum(s.notional) / sum(s.volume), NULL) AS vwap
FROM barlake.vwap_states AS s
GROUP BY s.ticker, s.session_date;

-- Which state of the lake each session was loaded from; written after its partitions.
CREATE TABLE IF NOT EXISTS barlake.loads
(
    session_date Date,
    fingerprint String,
    n_bars UInt64,
    loaded_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree(loaded_at)
ORDER BY session_date
COMMENT 'what was loaded: the fingerprint of the lake''s files of that session';
