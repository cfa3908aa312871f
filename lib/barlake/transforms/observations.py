"""What is news, and which revision it makes."""

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from barlake.model.rules import FIRST_ROW, VOLUME_DROPPED
from barlake.transforms.frames import PRICES, denoised, require_columns
from barlake.transforms.release import is_let_through
from barlake.transforms.units import in_order


def events(observations: DataFrame, held: DataFrame) -> DataFrame:
    """Put observations and the revisions that are held for the same days into one frame.

    Args:
        observations: Judged rows of deliveries.
        held: Rows of bronze.bars, with `session_date`.
    """
    stored = held.select(
        "*",
        F.lit(True).alias("is_held"),
        F.lit(0).alias("row"),
        F.col("revision").alias("held_revision"),
        *(F.col(p).alias(f"{p}_served") for p in PRICES),
    ).withColumns({p: denoised(p) for p in PRICES})
    return observations.withColumn("is_held", F.lit(False)).unionByName(
        stored, allowMissingColumns=True
    )


def with_revisions(events: DataFrame) -> DataFrame:
    """Tell which events are news, and number the revisions of each bar.

    The events of a bar are taken in the order in which they became known. An event that says what
    the one before it said is no news. Two kinds never replace what is known: the first row of a
    vendor's request that starts inside a session, and a volume that drops to 0; unless they were
    released from just that, or repeat what was.

    Args:
        events: Observations and held rows, as traded, with `rule` null on the good ones.

    Returns:
        `events` with `rule` set where one of the two kinds is refused, and, null on refused rows:
        `is_news`; `revision` (0 = first seen); `confirmed_at` (UTC: when the revision was last
        served). `is_late` marks news that became known before a revision that is held.
    """
    require_columns(events, "is_held", "factor", "rule", "is_first_row", where="with_revisions")
    bar = Window.partitionBy("ticker", "ts").orderBy(in_order())
    before = bar.rowsBetween(Window.unboundedPreceding, -1)
    good = F.col("rule").isNull()
    said = F.struct(*PRICES, "volume", "factor")
    judged = events.withColumn("rule", F.coalesce("rule", _refusal(before)))
    known = F.last(F.when(good, said), ignorenulls=True).over(before)
    numbered = (
        judged.withColumns({"_said": said, "_known": known})
        .withColumn("is_news", F.when(good, F.col("_known").isNull() | ~_same("_said", "_known")))
        .withColumn("revision", F.when(good, F.sum(F.col("is_news").cast("int")).over(bar) - 1))
    )
    held_last = F.max(F.when(F.col("is_held"), F.col("fetched_at"))).over(
        Window.partitionBy("ticker", "ts")
    )
    is_late = ~F.col("is_held") & F.col("is_news") & (F.col("fetched_at") < held_last)
    return (
        numbered.withColumn("is_late", is_late)
        .withColumn(
            "confirmed_at",
            F.when(good, F.max("fetched_at").over(Window.partitionBy("ticker", "ts", "revision"))),
        )
        .drop("_said", "_known")
    )


def late_news(numbered: DataFrame, requests: DataFrame) -> DataFrame:
    """Keep the news that was known before some answer that the lake has recorded.

    What that later answer said may have been no news then, and is not in the ledger: its landing
    file has to be read again. A revision that is held tells as much, recorded or not.

    Args:
        numbered: `with_revisions`.
        requests: Rows of ops.requests that reach into the sessions concerned.
    """
    latest = requests.groupBy("ticker").agg(F.max("received_at").alias("_latest"))
    news = numbered.where(F.col("is_news") & ~F.col("is_held"))
    known = news.join(F.broadcast(latest), "ticker", how="left")
    return known.where(F.col("is_late") | (F.col("fetched_at") < F.col("_latest")))


def with_fate(numbered: DataFrame) -> DataFrame:
    """Add `fate`, what became of each row received: one word of the audit."""
    fate = (
        F.when(F.col("is_duplicate"), "duplicate")
        .when(F.col("rule").isNotNull(), "quarantined")
        .when(~F.col("is_news"), "unchanged")
        .when(F.col("revision") == 0, "new")
        .otherwise("changed")
    )
    return numbered.withColumn("fate", fate)


def _refusal(before: WindowSpec) -> Column:
    is_good = F.col("rule").isNull()
    is_new_to_bar = F.count("*").over(before) == 0
    had_volume = F.max(F.when(is_good, F.col("volume"))).over(before) > 0
    observed = ~F.col("is_held") & ~is_new_to_bar
    is_first = F.col("is_first_row") & ~is_let_through(FIRST_ROW) & ~_repeats(before, is_good)
    # A drop that was let in, or is held, is what is known: to say it again is no drop.
    stands = is_good & ((F.col("volume") > 0) | F.col("is_held") | is_let_through(VOLUME_DROPPED))
    drops = had_volume & (F.col("volume") == 0) & ~_repeats(before, stands)
    return F.when(observed & is_first, F.lit(FIRST_ROW.name)).when(
        observed & drops & ~is_let_through(VOLUME_DROPPED), F.lit(VOLUME_DROPPED.name)
    )


def _repeats(before: WindowSpec, counts: Column) -> Column:
    """Hold where an event says what the last of those that count said."""
    said = F.struct(*PRICES, "volume", "factor")
    known = F.last(F.when(counts, said), ignorenulls=True).over(before)
    return F.coalesce(_same_struct(said, known), F.lit(False))


def _same(said: str, known: str) -> Column:
    return _same_struct(F.col(said), F.col(known))


def _same_struct(said: Column, known: Column) -> Column:
    """Hold where two events say the same; a converted one only up to what rounding cost it."""
    factor = F.greatest(said["factor"], known["factor"], 1 / said["factor"], 1 / known["factor"])
    is_converted = factor != 1.0
    near = [F.abs(said[p] - known[p]) <= _rounding(said[p]) * (1 + factor) for p in PRICES]
    near.append(F.abs(said["volume"] - known["volume"]) <= factor)
    exact = [said[name].eqNullSafe(known[name]) for name in (*PRICES, "volume")]
    all_near, all_exact = near[0], exact[0]
    for one, other in zip(near[1:], exact[1:], strict=True):
        all_near, all_exact = all_near & one, all_exact & other
    return F.when(is_converted, all_near).otherwise(all_exact)


def _rounding(price: Column) -> Column:
    return F.when(price < 1000, 1e-4).otherwise(1e-2)
