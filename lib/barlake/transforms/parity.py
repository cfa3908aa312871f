"""The stream's VWAP held against the batch's."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from barlake.model.streamed import VWAP_STREAM
from barlake.transforms.frames import bar_key, require_columns

RULE = "stream_parity"
TOLERANCE = 1e-9  # relative
SAMPLES = 10
_COLUMNS = ("ticker", "ts", "session_date", "vwap")


def parity(features: DataFrame, streamed: DataFrame) -> DataFrame:
    """Give a row of ops.dq_results, `run_id` left out, for each session of either frame.

    It passes where each observed minute has a VWAP in both, equal within `TOLERANCE`, or null in
    both. A minute that only one of them has is broken too: the stream missed a bar, or saw one that
    silver does not hold.

    Args:
        features: Of gold.features_1m ticker, ts, session_date, is_filled, vwap.
        streamed: Rows of gold.vwap_stream.
    """
    require_columns(features, *_COLUMNS, "is_filled", where="parity")
    require_columns(streamed, *_COLUMNS, where="parity")
    batch = features.where(~F.col("is_filled"))
    both = _named(batch, "batch").join(_named(streamed, "stream"), list(_COLUMNS[:3]), how="full")
    fates = both.withColumn("fate", _fate())
    told = F.concat_ws(", ", *(F.concat(_count(fate), F.lit(f" {fate}")) for fate in _FATES))
    broken = F.sort_array(F.collect_list(F.when(F.col("fate") != "equal", bar_key(F.col("ts")))))
    return fates.groupBy("session_date").agg(
        F.lit(str(VWAP_STREAM)).alias("table"),
        F.lit(RULE).alias("rule"),
        F.lit("").alias("ticker"),
        F.lit("warning").alias("severity"),
        told.alias("observed"),
        F.lit(f"every observed minute equal within {TOLERANCE:g}").alias("expected"),
        F.bool_and(F.col("fate") == "equal").alias("passed"),
        F.slice(broken, 1, SAMPLES).alias("sample_keys"),
    )


_FATES = ("equal", "different", "only in the batch", "only in the stream")


def _named(frame: DataFrame, name: str) -> DataFrame:
    return frame.select(*_COLUMNS[:3], F.col("vwap").alias(name), F.lit(True).alias(f"in_{name}"))


def _count(fate: str) -> Column:
    return F.count_if(F.col("fate") == fate).cast("string")


def _fate() -> Column:
    near = F.abs(F.col("stream") - F.col("batch")) <= TOLERANCE * F.abs(F.col("batch"))
    is_equal = F.coalesce(near, F.col("stream").isNull() & F.col("batch").isNull())
    return (
        F.when(F.col("in_stream").isNull(), _FATES[2])
        .when(F.col("in_batch").isNull(), _FATES[3])
        .when(is_equal, _FATES[0])
        .otherwise(_FATES[1])
    )
