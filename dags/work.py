"""What a task starts: a job by spark-submit, or a command of barlake; and what its end means."""

import json
import logging
import os
import re
import signal
import subprocess
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event, Thread
from typing import Any, NamedTuple

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

HOME = Path(os.environ.get("BARLAKE_HOME") or Path(__file__).parents[1])
PROGRAMS = HOME / ".venv" / "bin"
BAD_INPUT, BLOCKED = 2, 3
# Asking again gives the same: the arguments or the data must change first.
FINAL = (BAD_INPUT, BLOCKED)
# How a task may have ended, for good.
ENDED = ("success", "failed", "skipped", "upstream_failed", "removed")
LOOK_SECONDS = 2.0
SAID = "barlake: "
OUTPUT = "\nLast spark-submit output:"

log = logging.getLogger(__name__)


class Ended(NamedTuple):
    """How a command ended: its exit code, its JSON object, and its last sentence."""

    code: int
    told: dict[str, Any]
    sentence: str


class SparkJob(SparkSubmitOperator):
    """A job by spark-submit; gives 0, or an exit code that was `passed`.

    Exit codes 2 and 3 fail the task at once, all others are tried again. An argument that renders
    to nothing is left out.
    """

    def __init__(self, *, passed: Collection[int] = (), **kwargs: Any) -> None:  # noqa: ANN401 - the operator's own
        super().__init__(**kwargs)
        self.passed = tuple(passed)

    def execute(self, context: Context) -> Any:  # noqa: ANN401 - the operator it extends gives None
        """Submit, and tell what the exit code means.

        Raises:
            AirflowFailException: The job refused its input, or the gate blocked the batch.
            AirflowException: It failed otherwise.
        """
        self.application_args = given(self.application_args or [])
        try:
            super().execute(context)
        except AirflowException as failure:
            code = exit_code(str(failure))
            if code is None:
                raise
            sentence = last_sentence(str(failure).splitlines())
            if code not in self.passed:
                raise ending(self.task_id, code, sentence, FINAL) from failure
            self.log.warning("exit code %s: %s", code, sentence)
            return code
        return 0


class JobBeside(SparkJob):
    """A job that runs for as long as another task of its run, and is then asked to end.

    Its driver has SIGTERM, after which it ends well: it is a process of spark-submit's, which does
    not pass signals on.
    """

    def __init__(self, *, beside: str, **kwargs: Any) -> None:  # noqa: ANN401 - the operator's own
        super().__init__(**kwargs)
        self.beside = beside

    def execute(self, context: Context) -> Any:  # noqa: ANN401 - as in what it extends
        """Submit, and watch the other task meanwhile."""
        enough = Event()
        watcher = Thread(target=self._watch, args=(context, enough), daemon=True)
        watcher.start()
        try:
            return super().execute(context)
        finally:
            enough.set()
            watcher.join()

    def _watch(self, context: Context, enough: Event) -> None:
        while not enough.wait(LOOK_SECONDS):
            if self._is_alone(context) and (drivers := children(self._submitted())):
                for driver in drivers:
                    os.kill(driver, signal.SIGTERM)
                return

    def _is_alone(self, context: Context) -> bool:
        ti = context["ti"]
        states = ti.get_task_states(dag_id=ti.dag_id, task_ids=[self.beside], run_ids=[ti.run_id])
        return states.get(ti.run_id, {}).get(self.beside) in ENDED

    def _submitted(self) -> int | None:
        process = self._hook._submit_sp if self._hook else None
        return process.pid if process else None


class BarlakeCommand(BaseOperator):
    """A command of barlake as a process; gives its JSON object.

    Args:
        arguments: What follows `barlake`; one that renders to nothing is left out.
        tickers: For `--tickers`; what a mapped task differs in.
        final: Exit codes after which trying again does not help.
        kwargs: The operator's own.
    """

    template_fields = ("arguments", "tickers")

    def __init__(
        self,
        *,
        arguments: Sequence[str],
        tickers: str = "",
        final: Collection[int] = FINAL,
        **kwargs: Any,  # noqa: ANN401 - the operator's own
    ) -> None:
        super().__init__(**kwargs)
        self.arguments = arguments
        self.tickers = tickers
        self.final = tuple(final)
        self._program: Program | None = None

    @property
    def label(self) -> str:
        """Name the tickers, for the list of mapped tasks."""
        names = self.tickers.split(",")
        return self.tickers if len(names) < 4 else f"{names[0]} to {names[-1]}, {len(names)}"

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002 - the operator's interface
        """Run the command, its words in the task's log.

        Raises:
            AirflowFailException: It ended with a `final` exit code.
            AirflowException: It failed otherwise.
        """
        chosen = [f"--tickers={self.tickers}"] if self.tickers else []
        self._program = Program([*given(self.arguments), *chosen])
        return checked(self.task_id, self._program.run(), self.final)

    def on_kill(self) -> None:
        """End the command with the task."""
        if self._program:
            self._program.kill()


class Program:
    """`barlake` with arguments and --json, in a process group of its own."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.line = [str(PROGRAMS / "barlake"), *arguments, "--json"]
        self._process: subprocess.Popen[str] | None = None

    def run(self) -> Ended:
        """Run it to its end."""
        with TemporaryFile("w+") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, and no shell
                self.line,
                cwd=HOME,
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            try:
                said = list(_logged(self._process.stderr or ()))
                code = self._process.wait()
            finally:
                self.kill()
            output.seek(0)
            told = [line for line in output if line.startswith("{")]
        return Ended(code, json.loads(told[-1]) if told else {}, last_sentence(said))

    def kill(self) -> None:
        """End it at once, and the Java that it started; its runs survive that."""
        if self._process and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)


def command(*arguments: str) -> dict[str, Any]:
    """Run a short command of barlake, and give its JSON object.

    Raises:
        AirflowFailException: It refused its input.
        AirflowException: It failed otherwise.
    """
    return checked(arguments[0], Program(given(arguments)).run(), FINAL)


def checked(what: str, ended: Ended, final: Collection[int]) -> dict[str, Any]:
    """Give what a command told, unless it failed."""
    if ended.code:
        raise ending(what, ended.code, ended.sentence, final)
    return ended.told


def ending(what: str, code: int, sentence: str, final: Collection[int]) -> AirflowException:
    """Give the exception that tells Airflow whether to try again."""
    kind = AirflowFailException if code in final else AirflowException
    return kind(f"{what} ended with exit code {code}: {sentence}")


def given(arguments: Iterable[str]) -> list[str]:
    """Leave out what rendered to nothing."""
    return [argument for argument in arguments if argument]


def children(process: int | None) -> list[int]:
    """Give the processes that one has started and that still run; none, where it has ended."""
    import psutil  # noqa: PLC0415 - Airflow's own, and needed here alone

    with suppress(psutil.NoSuchProcess):
        return [child.pid for child in psutil.Process(process).children()] if process else []
    return []


def exit_code(failure: str) -> int | None:
    """Read the exit code of a job from what the operator says, after the command that it ran."""
    found = re.search(r"Error code is: (-?\d+)\.$", failure.partition(OUTPUT)[0])
    return int(found[1]) if found else None


def last_sentence(lines: Sequence[str]) -> str:
    """Give the last thing that barlake itself said, or else the last line."""
    said = [line.removeprefix(SAID) for line in lines if line.startswith(SAID)]
    return (said or [*lines] or ["it said nothing"])[-1].strip()


def _logged(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        log.info(line.rstrip())
        yield line
