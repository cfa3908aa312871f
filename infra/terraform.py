"""Run Terraform on a copy of infra/, and an emulator of AWS for it, both on this machine.

Terraform and its provider are not ours to install: where a mirror of providers lies on the machine
it is used, elsewhere Terraform asks its registry.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import server
from infra.server import HOST

PROJECT = Path(__file__).resolve().parents[1]
EMULATOR = PROJECT / ".venv-cloud" / "bin" / "moto_server"
# Below the name of whichever registry a mirror is of.
PROVIDER = "*/hashicorp/aws"
CONFIGURATION = "TF_CLI_CONFIG_FILE"
_COPIED = ("infra/modules", "infra/envs", "infra/tests", "conf")


class TerraformError(Exception):
    """Terraform, its provider or the emulator is not there, or has failed; its own words."""


@dataclass(frozen=True)
class Terraform:
    """A copy of infra/ in `home`, so that nothing is written into the project."""

    program: str
    home: Path

    @classmethod
    def found(cls, home: Path) -> Terraform:
        """Copy infra/ into `home`.

        Raises:
            TerraformError: There is no terraform.
        """
        program = shutil.which("terraform")
        if program is None:
            raise TerraformError("there is no terraform on the PATH: install 1.7 or newer")
        left = shutil.ignore_patterns(".terraform*", "*.tfstate*")
        for name in _COPIED:
            shutil.copytree(PROJECT / name, home / name, ignore=left)
        return cls(program, home)

    def run(self, folder: str, *words: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run a command in a folder of infra/; give what it printed.

        Raises:
            TerraformError: It ended with a code that is not among `codes`.
        """
        done = subprocess.run(  # noqa: S603 - our own command
            [self.program, *words],
            cwd=self.home / "infra" / folder,
            env=self._environment(folder),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in codes:
            said = f"{done.stdout}\n{done.stderr}".strip()
            raise TerraformError(f"terraform {words[0]} ended with {done.returncode}: {said}")
        return done.stdout

    def start(self, folder: str) -> None:
        """Make a folder ready: its modules and the provider.

        Raises:
            TerraformError: The provider is not to be had.
        """
        self.run(folder, "init", "-input=false", "-no-color", "-backend=false")

    def told(self, folder: str, *words: str) -> Any:  # noqa: ANN401 - whatever the JSON holds
        """Run a command that prints JSON, and read that."""
        return json.loads(self.run(folder, *words))

    def _environment(self, folder: str) -> dict[str, str]:
        # Whatever account the machine knows is none of ours.
        kept = {name: told for name, told in os.environ.items() if not name.startswith("AWS_")}
        data = {"TF_DATA_DIR": str(self.home / "data" / folder), "TF_IN_AUTOMATION": "1"}
        quiet = {"CHECKPOINT_DISABLE": "1", "AWS_EC2_METADATA_DISABLED": "true"}
        return kept | data | quiet | self._providers()

    def _providers(self) -> dict[str, str]:
        """Say where providers are, unless whoever uses the machine has."""
        if Path(os.environ.get(CONFIGURATION) or "/nowhere").is_file():
            return {}
        configuration = self.home / "terraform.rc"
        configuration.write_text(_installation(mirror()), "utf-8")
        return {CONFIGURATION: str(configuration)}


def mirror() -> Path | None:
    """Give the folder of providers on this machine that has AWS'; None where there is none."""
    usual = [Path.home() / ".terraform.d" / "plugins", Path("/usr/local/share/terraform/plugins")]
    places = [*usual, Path("/usr/share/terraform/plugins"), *sorted(Path("/opt").glob("*"))]
    return next((place for place in places if any(place.glob(PROVIDER))), None)


@contextmanager
def emulator(folder: Path) -> Iterator[str]:
    """Run an emulator of AWS on a free port of loopback; yields its address.

    Raises:
        TerraformError: It is not installed.
        StartError: It does not start.
    """
    if not EMULATOR.exists():
        raise TerraformError("there is no emulator of AWS: make cloud")
    [port] = server.free_ports(1)
    command = [str(EMULATOR), "-H", HOST, "-p", str(port)]
    with server.process("moto", command, {}, folder) as process:
        url = f"http://{HOST}:{port}"
        server.wait_for(f"{url}/moto-api/data.json", process, folder)
        yield url


def _installation(folder: Path | None) -> str:
    if folder is None:
        return ""
    return f"""provider_installation {{
  filesystem_mirror {{
    path    = {json.dumps(str(folder))}
    include = ["hashicorp/aws"]
  }}
  direct {{
    exclude = ["hashicorp/aws"]
  }}
}}
"""
