"""A checkout whose programs are stand-ins: they note how they were called, and end as told."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from barlake.settings import PROJECT

AIRFLOW = PROJECT / ".venv-airflow" / "bin"
DAGS = PROJECT / "dags"

PROGRAM = """#!{python} -ISB
import json, os, signal, sys
from pathlib import Path

home, name = Path({home!r}), Path(sys.argv[0]).name
words = sys.argv[1:]
job = next(Path(w).stem for w in words if w.endswith(".py")) if name == "spark-submit" else words[0]
call = {{"program": name, "job": job, "words": words, "environment": dict(os.environ)}}
call["cwd"] = os.getcwd()
with (home / "calls").open("a") as calls:
    calls.write(json.dumps(call) + "\\n")
path = home / "answers" / f"{{job}}.json"
answer = json.loads(path.read_text()) if path.exists() else {{}}
if answer.get("hangs"):
    signal.pause()
if answer.get("follows") and "--available-now" not in words:
    driver = os.fork()
    if not driver:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        signal.pause()
    _, ended = os.waitpid(driver, 0)
    assert ended == 0
code = answer.get("codes", [0])[0]
if len(answer.get("codes", [])) > 1:
    path.write_text(json.dumps(answer | {{"codes": answer["codes"][1:]}}))
print(answer.get("output", "{{}}"))
sys.stdout.flush()
if code:
    print(answer["errors"], file=sys.stderr)
sys.exit(code)
"""


class StandIn:
    """A folder for BARLAKE_HOME, with `barlake` and `spark-submit` in it that do nothing."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "answers").mkdir(parents=True)
        (home / ".venv" / "bin").mkdir(parents=True)
        for name in ("barlake", "spark-submit"):
            path = home / ".venv" / "bin" / name
            path.write_text(PROGRAM.format(python=sys.executable, home=str(home)), "utf-8")
            path.chmod(0o700)


def answer(*codes: int, told: object = None, errors: str = "") -> dict[str, Any]:
    """Let a job or a command end with these exit codes, one after the other, the last for ever."""
    return {"codes": codes or [0], "output": json.dumps(told or {}), "errors": errors}


def environment(folder: Path, home: Path) -> dict[str, str]:
    """Give the variables of an Airflow whose files are all below `folder`; no secret among them."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "TZ": "Asia/Tokyo",
        "PYTHONDONTWRITEBYTECODE": "1",
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(DAGS / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW_CONN_SPARK_DEFAULT": '{"conn_type": "spark", "host": "local[2]"}',
        "BARLAKE_HOME": str(home),
    }
