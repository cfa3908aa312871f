"""Terraform, and an emulator of AWS.

Terraform and its provider are the machine's: where they are not to be had, these tests are skipped,
in CI too, and say so. The emulator is ours: without it they are skipped on a machine of yours and
fail in CI.
"""

import os
from collections.abc import Iterator

import pytest

from infra.terraform import Terraform, TerraformError, emulator


def skipped(error: TerraformError) -> None:
    if os.environ.get("CI") == "true":
        raise error
    pytest.skip(str(error).splitlines()[0])


@pytest.fixture(scope="session")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """Terraform, and a copy of infra/ to run it in."""
    try:
        return Terraform.found(tmp_path_factory.mktemp("terraform"))
    except TerraformError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def ready(terraform: Terraform) -> Terraform:
    """Terraform, with its provider."""
    try:
        for folder in ("tests", "envs/local"):
            terraform.start(folder)
    except TerraformError as error:
        pytest.skip(f"no provider for Terraform: {str(error).splitlines()[0]}")
    return terraform


@pytest.fixture
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an emulator of AWS that knows nothing yet."""
    try:
        with emulator(tmp_path_factory.mktemp("emulator")) as url:
            yield url
    except TerraformError as error:
        skipped(error)
