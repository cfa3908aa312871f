"""What a listing tells of an object without reading it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """An object's name below the lake, its bytes, and when it was last written (UTC)."""

    name: str
    bytes: int
    modified_at: datetime
