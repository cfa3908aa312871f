"""What a store's refusals mean, and what to do: the one place where they become sentences."""

from typing import NamedTuple
from urllib.parse import urlsplit

from botocore import exceptions
from botocore.parsers import ResponseParserError

from barlake.model.errors import BarlakeError


class StoreError(BarlakeError):
    """The object store refused, or did not answer.

    `code` is the store's own word for it, such as NoSuchBucket, or the name of the client's error.
    """

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


# What boto3's calls raise, whatever the reason.
REFUSALS = (exceptions.ClientError, exceptions.BotoCoreError, ResponseParserError)


class Meaning(NamedTuple):
    """What a refusal says of the store, and what its reader can do."""

    means: str
    remedy: str


_KEYS = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_UNKNOWN_KEY = Meaning("the store does not know this access key", f"check {_KEYS}")
_EXPIRED = Meaning(
    "the session's credentials have expired", f"get new ones: {_KEYS} and AWS_SESSION_TOKEN"
)
_TOKEN = Meaning("the store refuses AWS_SESSION_TOKEN", f"unset it, or get new ones with {_KEYS}")
_BUSY = Meaning("the store is overloaded", "run again in a while")
_FULL = Meaning("the store has no room left", "free some, or give it a larger disk")
_REGION = Meaning("the bucket is in another region", "set BARLAKE_LAKE__REGION to the bucket's")
_SILENT = Meaning(
    "nothing answers", "start the store, or set BARLAKE_LAKE__ENDPOINT to where it is"
)
_BROKEN = Meaning("the connection to the store broke", "see whether it is up, and run again")
UNREACHED = Meaning("the store does not answer", "see whether it is up, and run again")
_SLOW = Meaning("the store did not answer in time", "see whether it is well, and run again")

CODES = {
    "NoSuchBucket": Meaning("there is no such bucket", "make it, or name another lake"),
    "InvalidAccessKeyId": _UNKNOWN_KEY,
    "SignatureDoesNotMatch": Meaning("the secret is not that of the access key", f"check {_KEYS}"),
    "AccessDenied": Meaning(
        "the store does not allow it", "give these credentials the rights of docs/object-store.md"
    ),
    "AllAccessDisabled": Meaning("the bucket is closed to everybody", "ask its owner"),
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "InvalidToken": _TOKEN,
    "InvalidTokenId": _TOKEN,
    "RequestTimeTooSkewed": Meaning(
        "this machine's clock and the store's differ too much", "set both by NTP"
    ),
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "XMinioStorageFull": _FULL,
    "QuotaExceeded": _FULL,
    "XMinioAdminBucketQuotaExceeded": _FULL,
    "SlowDown": _BUSY,
    "SlowDownRead": _BUSY,
    "SlowDownWrite": _BUSY,
    "ServiceUnavailable": _BUSY,
    "RequestTimeout": _SLOW,
    "InternalError": Meaning("the store broke", "see its log, and run again"),
    "NotImplemented": Meaning(
        "the store does not know such a request", "`barlake doctor --lake` shows what it can do"
    ),
}
_STRANGE = Meaning("what answers is no object store, or is broken", "check BARLAKE_LAKE__ENDPOINT")
# Where an answer has no word for it: one to HEAD, or of a server of TLS that is asked without.
_NUMBERS = {
    "500": _STRANGE,
    "404": _STRANGE,
    "403": CODES["AccessDenied"],
    "400": Meaning(
        "the store refuses the request",
        f"write https:// in BARLAKE_LAKE__ENDPOINT if it speaks TLS, and check {_KEYS}",
    ),
}
_TLS_TO_PLAIN = Meaning(
    "the store speaks no TLS, or another kind", "write http:// in BARLAKE_LAKE__ENDPOINT"
)
_UNTRUSTED = Meaning(
    "the store's certificate is not trusted", "set AWS_CA_BUNDLE to the file of who signed it"
)
_NO_KEYS = Meaning("there are no credentials", f"set {_KEYS}")

# Of two that fit the first holds: botocore's errors are of several classes at once.
_CLIENT = (
    (exceptions.NoCredentialsError, _NO_KEYS),
    (exceptions.PartialCredentialsError, _NO_KEYS),
    (exceptions.ConnectTimeoutError, _SILENT),
    (exceptions.ReadTimeoutError, _SLOW),
    (exceptions.EndpointConnectionError, _SILENT),
    (exceptions.ConnectionError, _BROKEN),
    (exceptions.HTTPClientError, _BROKEN),
    (exceptions.IncompleteReadError, _BROKEN),
)


def told(error: Exception, address: str) -> StoreError:
    """Say in one sentence what the store refused at `address`, and what to do."""
    return StoreError(": ".join(filter(None, explained(error, address))), code_of(error))


def explained(error: Exception, address: str) -> Meaning:
    """Give the sentence's two halves; the second is empty where no remedy is known."""
    meaning = meaning_of(error)
    if meaning is None:
        return Meaning(f"{address}: {_first_line(error)}", "")
    return Meaning(f"{address}: {meaning.means}{_where(error)} ({code_of(error)})", meaning.remedy)


def meaning_of(error: Exception) -> Meaning | None:
    """Give what an error means; None where nothing is known of it but its own words."""
    if isinstance(error, exceptions.ClientError):
        return CODES.get(code_of(error)) or _NUMBERS.get(code_of(error))
    if isinstance(error, ResponseParserError):
        return _STRANGE
    if isinstance(error, exceptions.SSLError):
        return _UNTRUSTED if "CERTIFICATE_VERIFY_FAILED" in str(error) else _TLS_TO_PLAIN
    return next((meaning for kind, meaning in _CLIENT if isinstance(error, kind)), None)


def code_of(error: Exception) -> str:
    """Give the store's word for a refusal, or else the name of the error's class."""
    if isinstance(error, exceptions.ClientError):
        return str(error.response.get("Error", {}).get("Code", "")) or type(error).__name__
    return type(error).__name__


def _where(error: Exception) -> str:
    """Name the endpoint, where it is the endpoint that is wrong: it has no secret in it."""
    asked = urlsplit(str(getattr(error, "kwargs", {}).get("endpoint_url", "")))
    return f" at {asked.scheme}://{asked.hostname}:{asked.port}" if asked.port else ""


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__
