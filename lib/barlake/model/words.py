"""What docs/tables.md says before the tables: the words, the zones, what was decided."""

INTRODUCTION = """\
# The tables

Written from `lib/barlake/model/` by `make docs`: change a declaration there, not this page.

## Words

- **ticker**: the symbol as the vendor spells it.
- **ts**: start of the bar's minute, inclusive, UTC. The bar covers [ts, ts + 60 s).
- **session_date**: the exchange-local trading date, from the calendar; never a cast of `ts`.
- **segment**: `pre` (from 04:00 exchange time), `regular`, `close_auction` (stamped exactly at the
  close), `post` (to 20:00, on early closes too).
- **observed, filled**: a vendor gave the bar; the previous close was carried forward.
- **fetched_at**: knowledge time, the instant at which an observation was received.
- **delivery**: what became known at one instant: a vendor's request, or all files, and rows of
  files, with one knowledge time.
- **revision, version**: a bar's; a table's.
- **run_id**: one run of one job, also the `userMetadata` of every Delta commit it makes.

Prices are US dollars per share, volumes are shares. Prices are rounded once, on the way into
silver: below 1,000 dollars to 4 decimals, others to 2, half up.

## Zones

- `landing/`: what was received, as text, in immutable Parquet files, kept for ever; in
  `landing/releases/` the decisions to let refused rows in. All else follows from it. Daily bars
  lie in `landing/<source>-daily/` and enter no table; the splits and dividends of a ticker's whole
  history, asked for once, lie in `landing/<source>-actions/` and enter `ref.actions`.
- `bronze`: every value that a bar ever had, by knowledge time.
- `silver`: what we believe, what we refused, and what is absent.
- `gold`: features and longer bars.
- `ref`: the exchange's sessions; splits and dividends.
- `ops`: requests, runs, and what became of every row received.

- `pages/`: what people look at; `pages/quality/<run_id>/` is the gate's report of a run.

Beside them `_labels/`, `_leases/`, `_runs/`, `_staging/` and, in a bucket, `_probe/` are the lake's
own.

## How to read

**What do we believe?** `silver.bars_1m`, one row per ticker and minute. Add `NOT is_filled` for
bars that a vendor gave, and `is_settled` for those that were read after their session's close.

**What did we know at T?** `bronze.bars`: of each ticker and minute the last revision with
`fetched_at <= T`. That needs no old table version, so VACUUM takes nothing from it.
In DuckDB it is

```sql
SELECT * FROM bronze.bars
WHERE ticker = 'AAPL' AND fetched_at <= TIMESTAMPTZ '2026-12-02 12:00:00Z'
QUALIFY row_number() OVER (PARTITION BY ticker, ts ORDER BY revision DESC) = 1
```

which gives what had been served, including bars that were still provisional, and fills nothing.
`lake.bars(ticker, as_known=T, interval=...)` in Python gives what silver and gold made of it then:
final or confirmed bars alone, prices rounded, of 1m or of any interval of `gold.bars`.

**What was published at a session's close?** Labels name the versions of all tables after the first
run that ended well after a close: `_labels/close-2026-11-20.json` below the lake.

**Why is a minute absent?** `silver.coverage.gaps`: each run of regular minutes without an
observation, with the first of these reasons that holds. They are inferred from bars and requests;
no exchange notice is read. The numbers stand under `coverage` in `conf/base.yaml`.

- `quarantined`: a row for the minute was refused.
- `not_covered`: no answered request reached it, or it lies after the last eligible bar of a
  session whose close is not covered.
- `outage`: of the tickers that usually show a minute, `outage_share` or more do not show it.
  Usually is in the session's median minute, and `outage_tickers_min` or more must show that.
- `halt`, `vendor_hole`: the ticker is dense: of the minutes right after one of its bars,
  `dense_share` or more have one too, outages aside. The run is at least `halt_minutes` long, or
  shorter.
- `no_trade`: the ticker is sparse, so a minute without a bar is a minute without a trade.

## What else was decided

- **Revisions** are numbered from 0 in order of knowledge time, whatever the order of arrival; at
  one instant by request, then by row. What says the same as the revision before it, after
  rounding, is none, so X, Y, X are three.
- **A late delivery**, known before an answer that the lake has recorded, is put in its place: for
  the tickers and sessions that it touches, bronze is derived again from `landing/`. Revisions may
  then be renumbered, replaced or removed; else bronze only grows.
- **A refused row is not in bronze.** It is in quarantine, and as it was served in `landing/`. It
  has one rule, the first that it breaks. A later good row for its minute enters as usual.
- **`/row`** is added to quarantine's `request_id` from the second refused row of one request,
  ticker, time and rule on: its position in the payload, from 0.
- **A release** lets a refused row in: it passes the rule that refused it, and no other. Its
  knowledge time stays. Quarantine keeps its row, with `released_at` (the run's clock) and
  `released_by`; where it breaks a further rule it has a second row, under that. Who, why and which
  rows stand in `landing/releases/`, so that a rebuild lets in the same; the reason also in
  `ops.requests.detail` (source `release`, no ticker) and `ops.runs.detail`. Rows that can be no bar
  are never released. A released row takes no row out that was good without it.
- **`quarantine.run_id`** is the run that refused the row, and stays so when it is released.
- **A warning** (`first_row_of_request`) stands in quarantine where a stored bar was kept, and in
  `silver.bars_1m.flags` where there was none to keep.
- **A repeat** within one delivery is a `duplicate` where its values are equal, however they are
  spelled; where they differ, all rows of that minute are refused.
- **Another share unit**: a delivery that a known split explains is converted before it is
  compared, so bronze holds such bars as traded; the served text stays in `landing/`.
- **A minute is final** 20 minutes (`timing.settle_minutes`) after it ended. Silver takes a
  revision that was served then or later, or that a later delivery confirmed.
- **A close is covered** where an answered request that was received 20 minutes after it, or later,
  reached it; a delivery of files reaches the end of its last bar, of whichever ticker. Only then
  are minutes filled up to the close.
- **Files** without `fetched_at` are known at `--as-of`, a folder then being one delivery; without
  `--as-of` at the instant at which each was read.
- **A filled row** has revision 0, no `first_seen_at`, no `last_changed_at`, and the source of the
  bar that it carries forward.
- **Gaps** are [from, to): `to` is the first minute after the gap. `longest_gap` counts minutes in
  a row, whatever their reasons.
- **`1d` is never short**: it lasts as long as its session, and `n_expected` says how long.
- **`ops.ingest_audit`** counts a row whose ticker cannot be read under an empty ticker, and one
  whose time cannot be read under 1970-01-01.
- **`ops.requests`** has one row per ticker and delivery in a file; a file without a good row has
  one with an empty ticker. A ticker and session with refused rows alone have no coverage.
- **`ops.dq_results`** has, per run that judged, one row for each rule and the whole batch (an
  empty ticker, the batch's newest session) and one for each rule, ticker and session that was
  judged, whether the rule held or not; none where the rule says nothing of a session (no session
  before it to jump from, a file's bars that cannot be stale). Leave out the empty ticker to count
  sessions. `sample_keys` are spelled `TICKER@2026-11-20T14:30:00Z`, with a `?` for what a row
  lacks. `ops.ingest_audit.report` is null where nothing had to be judged; a run that only ingested
  gets the report of the run that judged its bars.
- **Freshness**: rule `freshness` of `ops.dq_results`, an empty ticker, one row for each session
  that a run published (`on time`, or how many minutes late), and one before that where a run found
  it `missing` after its deadline: its close, `timing.settle_minutes` and
  `freshness.deadline_minutes`. Published is a session once `silver.coverage` holds a ticker of it
  as settled. Nothing is late that was due before the lake's first run.
- **The gate stands before silver, not before bronze.** Bronze is the record of what was served:
  it keeps what a blocked batch brought, and `bars(as_known=...)` reads it there. Silver and gold
  alone have passed the gate.
- **Declared and still empty**: `silver.quarantine_stream`; no job writes it yet.
- **Minutes against daily bars**: rules `daily_open` to `daily_volume` of `ops.dq_results`. Of a
  session's daily bars the last counts, unless it came before the close was final; splits since are
  taken back. A value holds within what is usual for the ticker (`reconcile` in `conf/base.yaml`;
  earlier sessions alone tell), or where bars around the session prove why it differs:
  `closing_cross`, `early_close`, `after_hours`. Else it fails, as `revision` (a minute was
  corrected since) or `unexplained`. The reason stands in `observed`, behind the semicolon.
- **A refused daily bar** is in `silver.quarantine`, its `request_id` ending in `-1d`.
"""
