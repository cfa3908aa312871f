"""docker-compose.yml and all that it names, as far as it can be held to without an engine."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from barlake.settings import PROJECT, load
from infra import compose_check, env
from infra.compose_check import ComposeError

FILE = PROJECT / "docker-compose.yml"
TEXT = FILE.read_text("utf-8")
PROFILES = {
    "streaming": {"kafka"},
    "observability": {
        "grafana",
        "marquez",
        "marquez-postgres",
        "marquez-web",
        "metrics",
        "node-exporter",
        "prometheus",
    },
    "aws": {"moto"},
}
ONE_SHOTS = {"airflow-init", "bucket"}
VARIABLES = dict.fromkeys(env.MADE, "a-secret") | {"PATH": os.environ["PATH"]}


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(TEXT)["services"]
    return found


@pytest.fixture(scope="module")
def loader() -> Path:
    """Compose's own loader; where it cannot be built its tests are skipped, but not in CI."""
    try:
        return compose_check.program()
    except ComposeError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture
def copy(loader: Path, tmp_path: Path) -> Path:
    """A copy of the file that no .env lies beside."""
    del loader
    return Path(shutil.copy(FILE, tmp_path))


@pytest.mark.usefixtures("loader")
def test_compose_takes_the_file_with_every_profile(copy: Path) -> None:
    project = compose_check.load([copy], VARIABLES)

    assert set(project["services"]) == set(services())
    assert project["services"]["spark-worker"]["deploy"]["replicas"] == 2
    assert project["services"]["airflow-scheduler"]["build"]["target"] == "airflow"


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ("    hostname: spark-master", "    hostnam: spark-master", "hostnam"),
        (
            "      bucket:\n        cond",
            "      buckett:\n        cond",
            'undefined service "buckett"',
        ),
        ("      - kafka:/var", "      - kafkas:/var", "undefined volume kafkas"),
        ("${KAFKA_PORT:-29092}:29092", "${KAFKA_PORT:-one}:29092", "one"),
    ],
)
def test_what_compose_would_refuse_is_found(
    copy: Path, written: str, instead: str, said: str
) -> None:
    assert written in TEXT
    copy.write_text(TEXT.replace(written, instead), "utf-8")

    with pytest.raises(ComposeError) as refused:
        compose_check.load([copy], VARIABLES)

    assert said in str(refused.value)


@pytest.mark.parametrize("name", sorted(env.MADE))
def test_a_secret_that_is_missing_is_found(copy: Path, name: str) -> None:
    with pytest.raises(ComposeError, match=f"required variable {name} is missing"):
        compose_check.load([copy], VARIABLES | {name: ""})


def test_every_image_is_pinned() -> None:
    images = {service["image"] for service in services().values()}
    base = re.findall(r"^FROM (\S+)", (PROJECT / "infra/Dockerfile").read_text("utf-8"), re.M)

    for image in (*images, base[0]):
        name, _, tag = image.partition("@")[0].partition(":")
        assert re.search(r"\d+\.\d+|RELEASE\.2", tag), image
        assert not re.search("latest|bitnami|^minio/|localstack", name + tag), image
        assert re.fullmatch(r"(@sha256:[0-9a-f]{64})?", image[len(f"{name}:{tag}") :]), image
    assert base[1:] == ["spark"]


def test_every_port_is_on_loopback_and_can_be_moved() -> None:
    ports = [port for service in services().values() for port in service.get("ports", [])]

    assert len(ports) == 10
    assert [
        port for port in ports if not re.match(r"127\.0\.0\.1:\$\{\w+_PORT:-\d+\}:\d+$", port)
    ] == []
    assert [name for name, found in services().items() if "network_mode" in found] == []


def test_every_service_says_whether_it_is_well_or_ends() -> None:
    for name, service in services().items():
        assert ("healthcheck" in service) is (name not in ONE_SHOTS), name
        assert service["restart"] == ("no" if name in ONE_SHOTS else "unless-stopped"), name


def test_profiles_hold_what_the_docs_say() -> None:
    told = (PROJECT / "docs/compose.md").read_text("utf-8")
    for profile, members in PROFILES.items():
        found = {n for n, service in services().items() if profile in service.get("profiles", [])}
        assert found == members
        [line] = re.findall(rf"^\| `{profile}` \|.*", told, re.M)
        assert members <= set(re.findall("`([a-z-]+)`", line))
    usual = {name for name, service in services().items() if not service.get("profiles")}
    [line] = re.findall(r"^\| none \|.*", told, re.M)
    assert usual == set(re.findall("`([a-z-]+)`", line))


def test_what_is_mounted_or_copied_is_there() -> None:
    mounts = [volume for service in services().values() for volume in service.get("volumes", [])]
    bound = [mount.split(":") for mount in mounts if mount.startswith(".")]
    dockerfile = (PROJECT / "infra/Dockerfile").read_text("utf-8")
    copied = [
        w
        for line in re.findall(r"^COPY --chown=barlake (.*) \S+$", dockerfile, re.M)
        for w in line.split()
    ]

    assert {mode for *_, mode in bound} == {"ro"}
    missing = [path for path in [*(m[0] for m in bound), *copied] if not (PROJECT / path).exists()]
    assert missing == []
    taken = re.findall("^!(.*)", (PROJECT / ".dockerignore").read_text("utf-8"), re.M)
    assert {Path(path).parts[0] for path in copied} <= set(taken)


def test_scripts_that_services_run_are_in_the_image() -> None:
    words = re.findall(r"infra/compose/[a-z]+\.(?:py|sh)", TEXT)

    assert {"infra/compose/healthy.py", "infra/compose/init.sh"} <= set(words)
    for word in words:
        assert (PROJECT / word).exists(), word
        assert word.endswith(".py") or os.access(PROJECT / word, os.X_OK), word


def test_the_example_lists_each_variable_with_the_same_default() -> None:
    example = dict(
        re.findall(r"^#? ?([A-Z_]+)=(.*)", (PROJECT / ".env.example").read_text("utf-8"), re.M)
    )
    used = dict(re.findall(r"\$\{([A-Z_]+)(:[?-][^}]*)\}", TEXT))

    assert used
    for name, rest in used.items():
        assert name in example, name
        secret = name in env.MADE
        assert rest == (":?run make env" if secret else f":-{example[name]}"), name
        assert bool(example[name]) is not secret, name
    only = {name for name in example if not name.startswith(("BARLAKE_", "AWS_"))}
    assert only <= set(used)


def test_no_secret_stands_in_the_file() -> None:
    named = re.findall(r"^ +([A-Z_]*(?:PASSWORD|SECRET|KEY)(?:_ID)?): (.*)$", TEXT, re.M)

    assert len(named) >= 8
    assert [
        name for name, value in named if not re.fullmatch(r"\$\{\w+:\?run make env\}", value)
    ] == []


def test_no_setting_of_another_file_is_repeated() -> None:
    settings = re.findall(r"^ +(BARLAKE_\w+):", TEXT, re.M)
    lake = load("compose").lake

    assert settings == ["BARLAKE_ENVIRONMENT"]
    assert "spark.driver" not in TEXT
    assert (lake.root, lake.endpoint) == ("s3a://lake", "http://minio:9000")
    assert "minio" in services()


def test_what_a_driver_has_otherwise_in_a_container_is_little() -> None:
    lines = (PROJECT / "infra/compose/cluster.conf").read_text("utf-8").splitlines()
    usual = (PROJECT / "spark-defaults.conf").read_text("utf-8")
    names = [line.split()[0] for line in lines if line and not line.startswith("#")]

    assert names == ["spark.driver.host", "spark.driver.bindAddress"]
    assert [name for name in names if not re.search(rf"^{re.escape(name)} ", usual, re.M)] == []


def test_the_images_and_the_jars_are_one_version() -> None:
    requirements = (PROJECT / "requirements/spark.txt").read_text("utf-8")
    dockerfile = (PROJECT / "infra/Dockerfile").read_text("utf-8")

    assert "pyspark==" in requirements
    assert re.findall(r"(?:pip|uv) install", dockerfile) == []  # infra/setup.sh alone, with hashes
    assert dockerfile.count("infra/setup.sh ") >= 2
    sets = re.findall(r"/jars/(\w+)/\*", dockerfile)
    assert sets == re.findall(r"jars/(\w+)/\*", _setting("spark.driver.extraClassPath"))


def test_where_there_is_no_go_the_loader_is_missed_aloud_and_ci_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    for ci, code in (("", 0), ("true", 1)):
        monkeypatch.setenv("CI", ci)
        assert compose_check.main(["--build"]) == code
        said = capsys.readouterr().err
        assert said == "barlake: there is no Go, which builds compose's loader\n"


def _setting(name: str) -> str:
    text = (PROJECT / "spark-defaults.conf").read_text("utf-8")
    [value] = re.findall(rf"^{re.escape(name)} +(.*)$", text, re.M)
    return str(value)


def test_the_dashboard_is_what_grafana_is_given() -> None:
    folder = PROJECT / "infra/observability/grafana"
    dashboard = json.loads((folder / "dashboards/barlake.json").read_text("utf-8"))
    [source] = yaml.safe_load((folder / "datasources/prometheus.yaml").read_text("utf-8"))[
        "datasources"
    ]
    [provider] = yaml.safe_load((folder / "dashboards/provider.yaml").read_text("utf-8"))[
        "providers"
    ]
    [scraped] = yaml.safe_load((PROJECT / "infra/observability/prometheus.yml").read_text("utf-8"))[
        "scrape_configs"
    ]

    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {source["uid"]}
    assert f"{provider['options']['path']}/barlake.json" in TEXT
    assert "./infra/observability/grafana:/etc/grafana/provisioning:ro" in TEXT
    [[target]] = [config["targets"] for config in scraped["static_configs"]]
    assert target.partition(":")[0] in services()
    assert source["url"].split("/")[2].partition(":")[0] in services()


def test_panels_neither_overlap_nor_leave_the_page() -> None:
    dashboard = json.loads(
        (PROJECT / "infra/observability/grafana/dashboards/barlake.json").read_text("utf-8")
    )
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        assert panel["description"], panel["title"]
        taken |= cells
