"""hyfn's Signature Version 4 beside botocore's."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyfn.clouds.aws import signing
from hyfn.clouds.aws.signing import Credentials
from hyfn.wire.carrier import Request

auth = pytest.importorskip("botocore.auth")
NOW = "20150830T123600Z"
SEGMENTS = st.text("abcXYZ019-_~:%$@", min_size=1, max_size=12)


def botocores(request: Request, credentials: Credentials, region: str, monkeypatch: pytest.MonkeyPatch) -> str:
    from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped,unused-ignore]
    from botocore.credentials import Credentials as Theirs  # type: ignore[import-untyped,unused-ignore]

    their = AWSRequest(request.method, request.url, dict(request.headers), request.body)
    monkeypatch.setattr(auth, "get_current_datetime", lambda: dt.datetime.strptime(NOW, "%Y%m%dT%H%M%SZ"))
    auth.SigV4Auth(Theirs(credentials.key, credentials.secret, credentials.token or None), "lambda", region).add_auth(
        their
    )
    return str(their.headers["Authorization"])


@given(
    path=st.lists(SEGMENTS, max_size=4),
    query=st.sampled_from(["", "?Qualifier=live", "?b=2&a=1"]),
    body=st.binary(max_size=100),
    token=st.sampled_from(["", "session/token=="]),
    port=st.sampled_from(["", ":8080"]),
)
def test_a_signature_is_botocores(path: list[str], query: str, body: bytes, token: str, port: str) -> None:
    url = f"https://lambda.eu-west-1.amazonaws.com{port}/2015-03-31/{'/'.join(path)}{query}"
    request = Request("POST", url, {"Content-Type": "application/json", "X-Amz-Invocation-Type": "Event"}, body)
    credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)
    with pytest.MonkeyPatch.context() as patch:
        assert signing.signed(request, credentials, "eu-west-1", NOW).headers["Authorization"] == botocores(
            request, credentials, "eu-west-1", patch
        )


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/f/invocations", "eu-west-1"),
        ("https://lambda.cn-north-1.amazonaws.com.cn/x", "cn-north-1"),
        ("https://abc123.lambda-url.ap-south-2.on.aws/", "ap-south-2"),
        ("http://127.0.0.1:9999/2015-03-31/functions/f/invocations", "sa-east-1"),
    ],
)
def test_the_region_stands_in_the_url_or_in_the_environment(
    url: str, region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "sa-east-1")
    assert signing.region(url) == region


def test_without_credentials_a_request_goes_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HYFN_WIRING", "{}")
    request = Request("POST", "https://lambda.eu-west-1.amazonaws.com/x", {}, b"")
    assert signing.sign(request) is request


def test_a_lambda_signs_by_its_role(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    signed = signing.sign(Request("POST", "https://lambda.eu-west-1.amazonaws.com/x", {}, b""))
    assert "Credential=ASIA/" in signed.headers["Authorization"]
    assert "host;x-amz-date;x-amz-security-token" in signed.headers["Authorization"]
    assert signed.headers["X-Amz-Security-Token"] == "token"
