"""landing/ -> the whole lake again."""

from barlake import landing, releases
from barlake.io.store import Store
from barlake.landing import Batch
from barlake.model.errors import InputError
from barlake.model.landed import Kind
from barlake.pipelines.stages import run_gold, run_ingest, run_optimize, run_reconcile, run_silver
from barlake.pipelines.underway import Night


def landed(origin: Store, target: Store) -> list[Batch]:
    """Give what landed in a lake, if another may be made of it.

    Raises:
        InputError: Nothing landed there, or the target is the same lake or holds other bars.
    """
    if origin.address == target.address:
        raise InputError(
            f"{target.address} is the lake itself; rebuild into another folder: --into"
        )
    known = _landed(origin)
    if not known:
        raise InputError(
            f"nothing has landed in {origin.address}: there is nothing to rebuild from"
        )
    names = {batch.name for batch in known}
    strangers = [batch.name for batch in _landed(target) if batch.name not in names]
    strangers += sorted({*releases.names(target)} - {*releases.names(origin)})
    if strangers:
        raise InputError(
            f"{target.address} holds other bars ({strangers[0]}); give an empty folder"
        )
    return known


def rebuild(night: Night) -> None:
    """Bring everything that landed into tables, as if it had just come."""
    run_ingest(night, landing.batches(night.lake.store))
    run_silver(night, [])
    run_gold(night)
    run_reconcile(night)
    run_optimize(night)


def _landed(store: Store) -> list[Batch]:
    return [batch for kind in Kind for batch in landing.batches(store, kind)]
