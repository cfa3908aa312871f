"""The commands that hold the lake against something: arguments and one call each."""

from barlake import console
from barlake.arguments import AsOf, End, Env, Json, Lake, RunId, Start, Tickers
from barlake.options import Options


def check(
    start: Start = None,
    end: End = None,
    tickers: Tickers = None,
    lake: Lake = None,
    as_of: AsOf = None,
    run_id: RunId = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Judge stored sessions, or without a range what landed and waits; publish nothing."""
    from barlake import steps_check

    options = Options(lake=lake, environment=env, as_of=as_of, run_id=run_id)
    console.show_run(lambda: steps_check.check(options, start, end, tickers), json=json)


def reconcile(
    lake: Lake = None,
    as_of: AsOf = None,
    run_id: RunId = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Hold minutes against daily bars, and the stream against gold; write ops.dq_results."""
    from barlake import steps

    options = Options(lake=lake, environment=env, as_of=as_of, run_id=run_id)
    console.show_run(lambda: steps.reconcile(options), json=json)
