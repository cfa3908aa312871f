"""What the requests of a session say about its minutes: asked for, covered, settled."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from barlake.model.landed import Outcome
from barlake.transforms.frames import minutes, require_columns

ANSWERED = (Outcome.OK, Outcome.EMPTY_EXPECTED, Outcome.EMPTY_UNEXPECTED)


def per_session(requests: DataFrame, sessions: DataFrame, *, settle_minutes: int) -> DataFrame:
    """Give one row per ticker and session that some request reached.

    A delivery of files (all that became known at one instant) reaches from its first bar to its
    last, of whichever ticker; a vendor's request reaches over what was asked.

    Args:
        requests: Rows of ops.requests.
        sessions: Rows of ref.sessions.
        settle_minutes: How long after its minute a bar is final.

    Returns:
        ticker, session_date; `is_covered`: an answered request reached past the close, after the
        last minute was final; `asked_from`, `asked_to` (UTC): what answered requests reached;
        `settled_from`, `settled_to` (UTC): what was read after the close; null where nothing was.
    """
    require_columns(requests, "ticker", "range_start", "received_at", where="per_session")
    delivery = Window.partitionBy("source", "received_at")
    is_file = F.col("source") == "files"
    reached = requests.where(F.col("outcome") != Outcome.UNKNOWN_TICKER.value).withColumns(
        {
            "_from": F.when(is_file, F.min("range_start").over(delivery)).otherwise(
                F.col("range_start")
            ),
            "_to": F.when(is_file, F.max("range_end").over(delivery)).otherwise(F.col("range_end")),
        }
    )
    day_from = F.col("open_utc") - minutes(330)
    day_to = F.col("open_utc") + minutes(630)
    overlaps = (F.col("range_start") < day_to) & (F.col("range_end") > day_from)
    final = F.col("received_at") >= F.col("close_utc") + minutes(settle_minutes)
    answered = F.col("outcome").isin([o.value for o in ANSWERED])
    partly = answered | (F.col("outcome") == Outcome.PARTIAL.value)
    past_close = (F.col("_from") < F.col("close_utc")) & (F.col("_to") >= F.col("close_utc"))
    return (
        reached.join(F.broadcast(sessions), overlaps, how="inner")
        .groupBy("ticker", "session_date")
        .agg(
            F.bool_or(answered & final & past_close).alias("is_covered"),
            F.min(F.when(partly, F.col("_from"))).alias("asked_from"),
            F.max(F.when(partly, F.col("_to"))).alias("asked_to"),
            F.min(F.when(partly & final, F.col("range_start"))).alias("settled_from"),
            F.max(F.when(partly & final, F.col("range_end"))).alias("settled_to"),
        )
    )
