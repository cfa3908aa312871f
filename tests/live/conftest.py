"""A lake whose stream has not written yet."""

from pathlib import Path

import pytest

from tests.live.streams import create


@pytest.fixture
def root(tmp_path: Path) -> Path:
    create(tmp_path)
    return tmp_path
