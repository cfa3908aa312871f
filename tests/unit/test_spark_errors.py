"""What a store refuses to Spark reaches the reader as one sentence."""

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from barlake import runtime
from barlake.io.access import Access
from barlake.io.bucket import Bucket
from barlake.io.folder import Folder
from barlake.io.s3_errors import StoreError
from barlake.io.spark_errors import refusal
from barlake.options import Clock

LAKE = "s3a://bars/lake"
OBJECT = f"{LAKE}/gold/bars/part-00000.parquet"
HEAD = "An error occurred while calling o77.execute.\n: org.apache.spark.SparkException: broke\n"
STACK = "\n\tat org.apache.hadoop.fs.s3a.S3AUtils.translateException(S3AUtils.java:280)" * 50


def answered(number: int, word: str, *, tried: str = "") -> Exception:
    sdk = "software.amazon.awssdk.services.s3.model.S3Exception"
    answer = f"no (Service: S3, Status Code: {number}, Request ID: 17A){tried}:{word}: no"
    cause = f"Caused by: java.io.IOException: {OBJECT}: PUT on {OBJECT}: {sdk}: {answer}"
    return ValueError(f"{HEAD}{STACK}\n{cause}{STACK}")


@pytest.mark.parametrize("tried", ["", " (SDK Attempt Count: 3)"])
@pytest.mark.parametrize(
    ("number", "word", "said"),
    [
        (403, "InvalidAccessKeyId", "the store does not know this access key (InvalidAccessKeyId)"),
        (403, "null", "the store does not allow it (AccessDenied)"),  # the answer to a HEAD
        (507, "XMinioStorageFull", "the store has no room left (XMinioStorageFull)"),
        (503, "SlowDown", "the store is overloaded (SlowDown)"),
        (404, "NoSuchBucket", "there is no such bucket (NoSuchBucket)"),
    ],
)
def test_an_answer_is_named_with_its_object(number: int, word: str, said: str, tried: str) -> None:
    told = refusal(answered(number, word, tried=tried), LAKE)

    assert told is not None
    assert str(told).startswith(f"{OBJECT}: {said}: ")
    assert "\n" not in str(told)


def test_what_is_about_one_object_is_no_refusal() -> None:
    assert refusal(answered(404, "NoSuchKey"), LAKE) is None
    assert refusal(answered(412, "PreconditionFailed"), LAKE) is None
    assert refusal(ValueError("java.net.ConnectException: to an executor"), LAKE) is None


def test_a_store_that_does_not_answer_is_named() -> None:
    broke = f"{HEAD}org.apache.hadoop.fs.s3a.S3AFileSystem\njava.net.ConnectException: refused"
    told = refusal(ValueError(broke), LAKE)

    assert str(told).startswith(f"{LAKE}: the store does not answer (ConnectException): ")


def test_the_stack_that_pyspark_keeps_apart_is_read() -> None:
    error = ValueError("[FAILED_READ_FILE] it cannot be read")
    error._stackTrace = str(answered(403, "AccessDenied"))  # type: ignore[attr-defined]

    assert str(refusal(error, LAKE)).startswith(f"{OBJECT}: the store does not allow it")


@pytest.mark.parametrize("is_bucket", [True, False])
def test_a_run_in_a_bucket_raises_the_store_s_words_and_a_folder_s_run_its_own(
    is_bucket: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    access = Access(endpoint="http://127.0.0.1:1", region="us-east-1", is_path_style=True)
    store: Any = Bucket.at(LAKE, access) if is_bucket else Folder.at(str(tmp_path))

    with (
        pytest.raises(StoreError if is_bucket else ValueError, match=r"AccessDenied"),
        runtime._one_sentence(store),
    ):
        raise answered(403, "AccessDenied")


def test_a_run_whose_end_cannot_be_written_tells_what_broke_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def close(_: str) -> None:
        raise OSError("no room\nfor the books")

    monkeypatch.setattr(runtime, "_closing", lambda *_: close)
    night: Any = type("Night", (), {"detail": {}})()
    watched: Any = runtime._watched(night, {"run_id": "r"}, Clock(None), [])
    next(watched)

    with capture_logs() as logs, pytest.raises(ZeroDivisionError):
        watched.throw(ZeroDivisionError("the first fault"))
    assert night.detail["fault"] == "ZeroDivisionError: the first fault"
    assert [(one["event"], one["reason"]) for one in logs] == [
        ("end not written", "no room"),
        ("failed", "ZeroDivisionError: the first fault"),
    ]
