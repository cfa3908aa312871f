"""What runs of a stack, as a file tells the next command: processes, and what a person was told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from infra import server
from infra.processes import Identity


@dataclass
class Record:
    """The processes of the stack in a folder, by name, and once all is ready, how it is reached."""

    folder: Path
    processes: dict[str, Identity] = field(default_factory=dict)
    words: str = ""

    @classmethod
    def read(cls, folder: Path) -> Record:
        """Read what was written last; without a file, nothing runs."""
        try:
            told = json.loads(_file(folder).read_text("utf-8"))
        except FileNotFoundError:
            return cls(folder)
        known = {name: Identity(*pair) for name, pair in told["processes"].items()}
        return cls(folder, known, told["words"])

    def running(self) -> dict[str, Identity]:
        """Give those processes that still run; never another one with the same number."""
        return {name: one for name, one in self.processes.items() if one.find() is not None}

    def add(self, **started: Identity) -> None:
        """Write further processes down."""
        self.processes |= started
        self._write()

    def tell(self, words: str) -> None:
        """Write down that all is ready, and how it is reached."""
        self.words = words
        self._write()

    def forget(self) -> None:
        """Write down that nothing runs."""
        _file(self.folder).unlink(missing_ok=True)

    def _write(self) -> None:
        draft = _file(self.folder).with_suffix(".draft")
        told = {"processes": self.processes, "words": self.words}
        server.write_secret(draft, json.dumps(told))
        draft.replace(_file(self.folder))


def _file(folder: Path) -> Path:
    return folder / "running.json"
