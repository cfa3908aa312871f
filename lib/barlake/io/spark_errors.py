"""What a store's refusal means that reached us through Spark, as a hundred lines of Java."""

import re

from barlake.io.s3_errors import CODES, UNREACHED, Meaning, StoreError

# How the SDK of S3 and Hadoop write an answer: "(Service: S3, Status Code: 403, …):AccessDenied".
_ANSWER = re.compile(
    r"\(Service: S3, Status Code: (\d{3})[^)]*\)(?: \(SDK Attempt Count: \d+\))?(?::(\w+))?"
)
# Those that mean the same whatever was asked: a 404 or a 412 is about one object.
_NUMBERS = {"403": "AccessDenied", "503": "SlowDown", "507": "XMinioStorageFull"}
_ADDRESS = re.compile(r"s3a://[^\s:,;'\"`()\[\]]+")
_NO_ANSWER = re.compile(
    r"ConnectException|NoHttpResponseException|SocketException|SocketTimeoutException"
    r"|ConnectTimeoutException|UnknownHostException|Unable to execute HTTP request"
)


def refusal(error: Exception, address: str) -> StoreError | None:
    """Say in one sentence what the store refused; None where the store has not.

    Args:
        error: What a call of Spark raised.
        address: The lake's, for where the error names no object.
    """
    text = f"{error}\n{getattr(error, '_stackTrace', None) or ''}"  # PySpark keeps Java's apart
    for answer in _ANSWER.finditer(text):
        code = answer[2] if answer[2] in CODES else _NUMBERS.get(answer[1])
        if code is not None:
            return _told(code, CODES[code], text[: answer.start()], address)
    silent = _NO_ANSWER.search(text) if "s3a" in text else None
    return _told(silent[0], UNREACHED, text[: silent.start()], address) if silent else None


def _told(code: str, meaning: Meaning, before: str, address: str) -> StoreError:
    named = _ADDRESS.findall(before)
    where = named[-1].rstrip(".") if named else address
    return StoreError(f"{where}: {meaning.means} ({code}): {meaning.remedy}", code)
