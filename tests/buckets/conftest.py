"""The lakes here are small, as those in tests/lake: queries are not compiled."""

from tests.lake.conftest import _interpreted  # noqa: F401
