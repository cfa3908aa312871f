"""Let a bucket's store remove by itself what the lake does not need."""

from typing import Any

import structlog

from barlake.io.store import Store
from barlake.sections import LifecycleSettings

logger = structlog.get_logger()


def keep_lifecycle(store: Store, settings: LifecycleSettings) -> dict[str, Any] | None:
    """Let a bucket's store remove by itself what the lake does not need; None for a folder.

    Returns:
        `rules`, the names of the lake's own in the bucket, and `left_out`, those that the store
        does not know. Where it does not let us set any, `rules` is empty and a warning says so.
    """
    if store.access is None:
        return None
    from barlake.io import lifecycle  # noqa: PLC0415 - brings boto3
    from barlake.io.s3_errors import StoreError  # noqa: PLC0415

    try:
        return lifecycle.keep(store, settings)
    except StoreError as refused:
        if refused.code not in lifecycle.REFUSED:
            raise
        logger.warning("no lifecycle rules", reason=str(refused))
        return {"rules": [], "left_out": [], "refused": str(refused)}
