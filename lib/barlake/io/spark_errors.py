"""What a store's refusal means that reached us through Spark, as a hundred lines of Java."""

import re

from barlake.io.s3_errors import CODES, NUMBERS, UNREACHED, Meaning, StoreError

# How the SDK of S3 and Hadoop write an answer: "(Service: S3, Status Code: 403, …):AccessDenied".
_ANSWER = re.compile(r"\(Service: S3, Status Code: (\d{3})[^)]*\)(?::(\w+))?")
_ADDRESS = re.compile(r"s3a://[^\s:,;'\"`)\]]+")
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
    text = _whole(error)
    found = _meaning(text)
    if found is None:
        return None
    code, meaning = found
    named = _ADDRESS.search(text)
    where = named[0].rstrip(".") if named else address
    return StoreError(f"{where}: {meaning.means} ({code}): {meaning.remedy}", code)


def _meaning(text: str) -> tuple[str, Meaning] | None:
    for number, word in _ANSWER.findall(text):
        meaning = CODES.get(word) or NUMBERS.get(number)
        if meaning is not None:
            return word or number, meaning
    silent = _NO_ANSWER.search(text) if "s3a" in text else None
    return (silent[0], UNREACHED) if silent else None


def _whole(error: Exception) -> str:
    """Give an error's words with its Java stack, which PySpark keeps apart."""
    return f"{error}\n{getattr(error, '_stackTrace', None) or ''}"
