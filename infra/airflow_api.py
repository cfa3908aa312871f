"""What a script asks of Airflow: its REST interface, by the standard library alone."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

USER = "admin"
POLL_SECONDS = 0.5
OVER = ("success", "failed")


class ApiError(Exception):
    """Airflow refuses a request, or does not answer in time."""


class Client:
    """Airflow as its administrator sees it.

    Args:
        url: Where the API server answers, such as http://127.0.0.1:8080.
        password: The administrator's.
    """

    def __init__(self, url: str, password: str) -> None:
        self.url = url
        self._password = password
        self._token: str | None = None
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, method: str, path: str, body: Any = None) -> Any:  # noqa: ANN401 - JSON
        """Send a request to /api/v2/`path`; give the JSON that is answered.

        Raises:
            ApiError: Airflow refuses it, or does not answer.
        """
        if self._token is None:
            login = {"username": USER, "password": self._password}
            self._token = self._send("POST", "/auth/token", login, {})["access_token"]
        rights = {"Authorization": f"Bearer {self._token}"}
        return self._send(method, f"/api/v2/{path}", body, rights)

    def health(self) -> dict[str, Any]:
        """Tell of each part of Airflow; nobody needs to log in for that."""
        found: dict[str, Any] = self._send("GET", "/api/v2/monitor/health", None, {})
        return found

    def keep_pool(self, name: str, slots: int, description: str) -> None:
        """Make a pool, or change it."""
        pool = {"name": name, "slots": slots, "description": description, "include_deferred": False}
        action = {"action": "create", "entities": [pool], "action_on_existence": "overwrite"}
        self.call("PATCH", "pools", {"actions": [action]})

    def dags(self) -> list[str]:
        """Give the names of the DAGs that have been read."""
        return [dag["dag_id"] for dag in self.call("GET", "dags?limit=100")["dags"]]

    def import_errors(self) -> list[str]:
        """Say which files could not be read, and why."""
        return [
            f"{error['filename']}: {error['stack_trace']}"
            for error in self.call("GET", "importErrors")["import_errors"]
        ]

    def unpause(self, dag: str) -> None:
        """Let a DAG's runs begin."""
        self.call("PATCH", f"dags/{dag}", {"is_paused": False})

    def trigger(self, dag: str, form: Mapping[str, Any] | None = None, **more: str) -> str:
        """Start a run by hand; give its name.

        Args:
            dag: Its DAG.
            form: What its form says, where that is not what it says by itself.
            more: Further fields, such as `logical_date` or `dag_run_id`.
        """
        body = {"logical_date": None, "conf": dict(form or {}), **more}
        return str(self.call("POST", f"dags/{dag}/dagRuns", body)["dag_run_id"])

    def runs(self, dag: str) -> list[str]:
        """Name a DAG's runs, the oldest first."""
        found = self.call("GET", f"dags/{dag}/dagRuns?order_by=run_after&limit=100")["dag_runs"]
        return [run["dag_run_id"] for run in found]

    def run(self, dag: str, run: str) -> dict[str, Any]:
        """Tell of a run: `state`, `start_date`, `end_date` and more."""
        found: dict[str, Any] = self.call("GET", f"dags/{dag}/dagRuns/{_quoted(run)}")
        return found

    def tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        """Tell of each task of a run: `task_id`, `map_index`, `state`, `try_number` and more."""
        path = f"dags/{dag}/dagRuns/{_quoted(run)}/taskInstances?limit=1000"
        found: list[dict[str, Any]] = self.call("GET", path)["task_instances"]
        return found

    def log(self, dag: str, run: str, task: str, *, attempt: int = 1, map_index: int = -1) -> str:
        """Give the words of one attempt of a task, one line each."""
        path = f"dags/{dag}/dagRuns/{_quoted(run)}/taskInstances/{task}/logs/{attempt}"
        content = self.call("GET", f"{path}?map_index={map_index}&full_content=true")["content"]
        return "\n".join(line["event"] if isinstance(line, dict) else line for line in content)

    def wait(self, dag: str, run: str, seconds: float) -> str:
        """Wait until a run is over; give its state.

        Raises:
            ApiError: It is not over in time; says where its tasks stand.
        """
        until = time.monotonic() + seconds
        while (state := self.run(dag, run)["state"]) not in OVER:
            if time.monotonic() > until:
                stand = [(task["task_id"], task["state"]) for task in self.tasks(dag, run)]
                raise ApiError(f"{run} of {dag} is {state} after {seconds:.0f} s: {stand}")
            time.sleep(POLL_SECONDS)
        return str(state)

    def _send(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - our own server
            self.url + path,
            data=data,
            headers={"Content-Type": "application/json", **headers},
            method=method,
        )
        try:
            with self._opener.open(request, timeout=30) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise ApiError(f"{method} {path}: {error.code} {error.read().decode()}") from error
        except (OSError, ValueError) as error:
            raise ApiError(f"{method} {path}: {error}") from error


def _quoted(run: str) -> str:
    return urllib.parse.quote(run, safe="")
