"""What a store's refusals become: one sentence with the address, the reason and the remedy.

Those that a real store gives on demand are in tests/stores/test_contract.py.
"""

import pytest
from botocore import exceptions
from botocore.exceptions import ClientError

from barlake.io import s3_errors
from barlake.io.s3_errors import told

WHERE = "s3a://bucket/lake/a"


def refusal(code: str, message: str = "its own words") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "PutObject")


@pytest.mark.parametrize("code", sorted(s3_errors.CODES))
def test_a_refusal_is_one_sentence_with_its_remedy(code: str) -> None:
    meaning = s3_errors.CODES[code]
    error = told(refusal(code, "secret words\nin lines"), WHERE)
    assert str(error) == f"{WHERE}: {meaning.means} ({code}): {meaning.remedy}"
    assert error.code == code
    assert error.exit_code == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (refusal("XMinioStorageFull"), "the store has no room left"),
        (refusal("SlowDown"), "the store is overloaded"),
        (refusal("403"), "the store does not allow it (403)"),
        (refusal("BadDigest"), "An error occurred (BadDigest)"),
        (
            exceptions.ReadTimeoutError(endpoint_url="http://h:9/b"),
            "not answer in time at http://h:9",
        ),
        (
            exceptions.ConnectTimeoutError(endpoint_url="http://h:9/b"),
            "nothing answers at http://h:9",
        ),
        (
            exceptions.ConnectionClosedError(endpoint_url="http://h:9/b"),
            "the connection to the store",
        ),
        (exceptions.ResponseStreamingError(error="x"), "the connection to the store broke ("),
        (
            exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2),
            "connection to the store",
        ),
        (exceptions.PartialCredentialsError(provider="env", cred_var="x"), "no credentials"),
        (
            exceptions.SSLError(endpoint_url="https://h:9", error="CERTIFICATE_VERIFY_FAILED"),
            "certificate is not trusted at https://h:9 (SSLError): set AWS_CA_BUNDLE",
        ),
        (exceptions.ParamValidationError(report="first\nsecond"), f"{WHERE}: Parameter validation"),
    ],
)
def test_an_error_of_the_client_is_told(error: Exception, said: str) -> None:
    sentence = str(told(error, WHERE))
    assert sentence.startswith(WHERE)
    assert said in sentence
    assert "\n" not in sentence


def test_an_endpoint_is_told_without_what_was_asked() -> None:
    address = "http://user:canary@h:9/b?X-Amz-Signature=canary"
    assert "canary" not in str(told(exceptions.ConnectTimeoutError(endpoint_url=address), WHERE))
