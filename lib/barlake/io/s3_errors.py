"""What a store's refusals mean, and what to do."""

from barlake.model.errors import BarlakeError


class StoreError(BarlakeError):
    """The object store refused, or did not answer."""


def told(error: Exception, address: str) -> BarlakeError:
    """Say in one sentence what the store refused at `address`, and why."""
    return StoreError(f"{address}: {str(error).splitlines()[0]}")
