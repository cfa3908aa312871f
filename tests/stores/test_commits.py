"""A commit through our log store: who wins, and what it makes of each fault on the way."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from infra.server import HOST, Server
from tests.stores.drivers import DELTAS, OURS, Driver, driver_jar, drivers
from tests.stores.faults import Action
from tests.stores.proxy import Proxy

COMMIT = r"/_delta_log/\d{20}[.]json"
BUCKET = "commits"


@pytest.fixture(scope="module")
def s3(minio: Server) -> Any:
    minio.make(BUCKET)
    return minio.client()


@pytest.fixture(scope="module")
def served(minio: Server) -> Iterator[Proxy]:
    with Proxy((HOST, minio.port)) as proxy:
        yield proxy


@dataclass(frozen=True)
class Stage:
    """Two drivers before a store, and one table for a test."""

    driver: Driver
    rival: Driver
    proxy: Proxy
    s3: Any
    table: str

    @property
    def log(self) -> str:
        return f"s3a://{BUCKET}/{self.table}/_delta_log"

    def versions(self) -> dict[int, str]:
        """Give whose each version is."""
        prefix = f"{self.table}/_delta_log/"
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return {
            version: str(self.commit_info(version)["txnId"])
            for version in (int(one["Key"][-25:-5]) for one in found)
        }

    def commit_info(self, version: int) -> dict[str, Any]:
        kept = self.s3.get_object(Bucket=BUCKET, Key=f"{self.table}/_delta_log/{version:020}.json")
        found: dict[str, Any] = json.loads(kept["Body"].readline())["commitInfo"]
        return found


@pytest.fixture(scope="module")
def pair(
    minio: Server, served: Proxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Driver]]:
    jar = driver_jar(tmp_path_factory.mktemp("jar"))
    with drivers(2, jar, served.url, minio.environment) as pair:
        yield pair


@pytest.fixture
def stage(s3: Any, served: Proxy, pair: list[Driver], request: pytest.FixtureRequest) -> Stage:
    served.clear()
    table = "".join(letter if letter.isalnum() else "_" for letter in request.node.name)
    driver, rival = pair
    return Stage(driver, rival, served, s3, table)


def test_a_commit_is_one_conditional_put(stage: Stage) -> None:
    assert stage.driver.commit(stage.log, 0, "first") == "won"

    assert [(one.method, one.if_none_match, one.status) for one in stage.proxy.requests] == [
        ("PUT", "*", 200)
    ]
    assert stage.versions() == {0: "first"}


def test_a_version_that_is_there_is_lost(stage: Stage) -> None:
    said = [stage.rival.commit(stage.log, 0, "rival"), stage.driver.commit(stage.log, 0, "late")]

    assert said == ["won", "lost"]
    assert stage.versions() == {0: "rival"}


@pytest.mark.parametrize(
    ("store", "said", "stands"), [(OURS, "lost", "fast"), (DELTAS, "won", "slow")]
)
def test_of_two_commits_that_cross_the_store_takes_one(
    stage: Stage, store: str, said: str, stands: str
) -> None:
    """Delta's own log store tells both that they won: what this one is for."""
    stage.driver.ask("use", store)
    stage.rival.ask("use", store)
    held = stage.proxy.inject(Action.HOLD, "PUT", COMMIT)
    stage.driver.tell("commit", stage.log, 0, "slow")
    held.wait()
    fast = stage.rival.commit(stage.log, 0, "fast")
    held.release()
    slow = stage.driver.answer()
    stage.driver.ask("use", OURS)
    stage.rival.ask("use", OURS)

    assert (fast, slow) == ("won", said)
    assert stage.versions() == {0: stands}


def test_a_lost_answer_is_recognised(stage: Stage) -> None:
    stage.proxy.inject(Action.DROP_AFTER, "PUT", COMMIT)

    assert stage.driver.commit(stage.log, 0, "ours") == "won"

    assert [one.status for one in stage.proxy.matching("PUT", COMMIT)] == [200, 412]
    assert stage.versions() == {0: "ours"}


def test_a_put_that_never_arrives_is_tried_again(stage: Stage) -> None:
    stage.proxy.inject(Action.DROP_BEFORE, "PUT", COMMIT, times=2)

    assert stage.driver.commit(stage.log, 0, "ours") == "won"

    assert [one.status for one in stage.proxy.matching("PUT", COMMIT)] == [None, None, 200]
    assert stage.versions() == {0: "ours"}


def test_a_put_that_arrives_after_somebody_elses_is_lost(stage: Stage) -> None:
    stage.proxy.inject(Action.DROP_BEFORE, "PUT", COMMIT)
    second = stage.proxy.inject(Action.HOLD, "PUT", COMMIT)
    stage.driver.tell("commit", stage.log, 0, "ours")
    second.wait()
    assert stage.rival.commit(stage.log, 0, "rival") == "won"
    second.release()

    assert stage.driver.answer() == "lost"
    assert stage.versions() == {0: "rival"}


@pytest.mark.parametrize(
    ("action", "how"),
    [
        (Action.DROP_BEFORE, {}),
        (Action.STATUS, {"status": 503}),
        (Action.STATUS, {"status": 403, "code": "AccessDenied"}),
        (Action.STATUS, {"status": 409, "code": "ConditionalRequestConflict"}),
    ],
    ids=["reset", "slow", "denied", "conflict"],
)
def test_a_store_that_takes_nothing_is_an_error_and_no_loss(
    stage: Stage, action: Action, how: Any
) -> None:
    stage.proxy.inject(action, "PUT", COMMIT, times=1_000, **how)

    said = stage.driver.commit(stage.log, 0, "ours")

    assert "Exception: " in said
    assert f"{stage.table}/_delta_log/{0:020}.json" in said
    assert stage.versions() == {}
    stage.proxy.clear()
    assert stage.driver.commit(stage.log, 0, "ours") == "won"


def test_puts_that_meet_are_tried_again(stage: Stage) -> None:
    stage.proxy.inject(
        Action.STATUS, "PUT", COMMIT, times=2, status=409, code="ConditionalRequestConflict"
    )

    assert stage.driver.commit(stage.log, 0, "ours") == "won"
    assert [one.status for one in stage.proxy.matching("PUT", COMMIT)] == [409, 409, 200]
    assert stage.versions() == {0: "ours"}


def test_what_cannot_be_looked_up_is_an_error_and_no_loss(stage: Stage) -> None:
    assert stage.rival.commit(stage.log, 0, "rival") == "won"
    for method in ("HEAD", "GET"):
        stage.proxy.inject(
            Action.STATUS, method, COMMIT, times=1_000, status=403, code="AccessDenied"
        )

    assert stage.driver.commit(stage.log, 0, "late").startswith("RemoteFileChangedException: ")


def test_a_commit_in_many_parts_is_conditional_too(stage: Stage) -> None:
    stage.proxy.inject(Action.DROP_AFTER, "POST", rf"{COMMIT}[?]uploadId=")

    assert stage.driver.ask("large", stage.log, 0, "ours", 11) == "won"
    assert stage.rival.ask("large", stage.log, 0, "rival", 11) == "lost"

    completions = stage.proxy.matching("POST", rf"{COMMIT}[?]uploadId=")
    assert {one.if_none_match for one in completions} == {"*"}
    assert completions[0].status == 200
    assert stage.proxy.counted("PUT", "partNumber=3") == 2
    assert stage.versions() == {0: "ours"}
    assert "Uploads" not in stage.s3.list_multipart_uploads(Bucket=BUCKET, Prefix=f"{stage.table}/")


def test_a_file_to_be_replaced_is_put_without_condition(stage: Stage) -> None:
    for text in ("one", "two"):
        assert stage.driver.ask("replace", f"{stage.log}/_last_checkpoint", text) == "won"

    assert [one.if_none_match for one in stage.proxy.matching("PUT")] == [None, None]
    kept = stage.s3.get_object(Bucket=BUCKET, Key=f"{stage.table}/_delta_log/_last_checkpoint")
    assert kept["Body"].read() == b"two\n"


def test_of_fifty_threads_on_one_version_one_wins(stage: Stage) -> None:
    said = stage.driver.ask("race", stage.log, 50).split()

    [winner] = [name for name in said if name != "lost"]
    assert said.count("lost") == 49
    assert stage.versions() == {0: winner}


def test_a_client_that_knows_no_condition_is_refused(stage: Stage) -> None:
    stage.driver.ask("set", "fs.s3a.impl.disable.cache", "true")
    stage.driver.ask("set", "fs.s3a.create.conditional.enabled", "false")
    said = stage.driver.commit(stage.log, 0, "ours")
    stage.driver.ask("set", "fs.s3a.create.conditional.enabled", "true")
    stage.driver.ask("set", "fs.s3a.impl.disable.cache", "false")

    assert "Conditional Writes Unavailable" in said
    assert stage.versions() == {}


def fence(stage: Stage, *there: int) -> None:
    """Let the driver hold the lease 7 of its table, of which these numbers are there."""
    table = f"s3a://{BUCKET}/{stage.table}"
    stage.driver.ask("set", f"barlake.fence.{table}", f"{table}/_leases#7")
    for number in there:
        stage.s3.put_object(Bucket=BUCKET, Key=f"{stage.table}/_leases/{number:020}.json")


def test_a_commit_says_under_which_lease_it_was_made(stage: Stage) -> None:
    fence(stage, 6, 7)

    assert stage.driver.commit(stage.log, 0, "ours") == "won"

    assert stage.commit_info(0) == {"fencingToken": 7, "txnId": "ours"}
    assert stage.rival.commit(stage.log, 1, "unfenced") == "won"
    assert stage.commit_info(1) == {"txnId": "unfenced"}


@pytest.mark.parametrize(
    ("there", "said"), [((7, 9), r"was taken over \(9\)"), ((), "is gone"), ((6,), "is gone")]
)
def test_whoever_has_lost_its_lease_commits_nothing(
    stage: Stage, there: tuple[int, ...], said: str
) -> None:
    fence(stage, *there)

    told = stage.driver.commit(stage.log, 0, "ours")

    assert re.search(said, told)
    assert stage.versions() == {}
    assert stage.proxy.counted("PUT", COMMIT) == 0
