"""Every table of the lake."""

from barlake.model import bronze, gold, ops, ref, silver, streamed

TABLES = (
    bronze.BARS,
    silver.BARS_1M,
    silver.QUARANTINE,
    silver.QUARANTINE_STREAM,
    silver.COVERAGE,
    gold.FEATURES_1M,
    gold.BARS,
    streamed.VWAP_STREAM,
    streamed.ALERTS,
    ref.SESSIONS,
    ref.ACTIONS,
    ops.REQUESTS,
    ops.INGEST_AUDIT,
    ops.DQ_RESULTS,
    ops.RUNS,
)
