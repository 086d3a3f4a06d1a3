"""Knative's options, names, layers and answers, without starting anything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hyfn.clouds.knative import host, knative, openshift
from hyfn.clouds.knative.call import caller
from hyfn.clouds.knative.pack import packer
from hyfn.errors import (
    NOT_EXECUTED,
    UNKNOWN,
    BuildError,
    CallError,
    DeadlineExceeded,
    OutcomeUnknown,
    Overloaded,
    Unavailable,
)
from hyfn.host import container
from hyfn.host.run import Runner
from hyfn.model import FunctionSpec, Place, Signature, Staged, Target, Tree
from hyfn.wire.carrier import Answer, Endpoint, Response
from hyfn.wire.frame import CONTENT_TYPE

PLACE = Place("app.py", 3)


def target(platform: str = "knative", **options: Any) -> Target:
    return Target("knative", platform, options, PLACE)


def function() -> FunctionSpec:
    return FunctionSpec("app:settle", "app", "settle", PLACE, Signature((), None), None, False, (target(),))


def staged(code: dict[str, bytes], **options: Any) -> Staged:
    made = target(**options)
    return Staged("shop", function(), made, packer.runtimes(made)[0], code, {"lib.py": b"x = 1\n"}, ())


def test_openshift_is_a_profile_of_knative() -> None:
    assert (knative.cloud, knative.name) == ("knative", "knative")
    assert (openshift.cloud, openshift.name) == ("knative", "openshift")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"timeout": 600, "memory": 4096, "cpu": 0.5, "min_instances": 1, "max_instances": 3, "concurrency": 1000},
        {"name": "settle", "namespace": "shop", "python": "3.12", "architecture": "arm64", "runtime": "func"},
        {"min_instances": 5, "max_instances": 0},
    ],
)
def test_what_knative_takes_is_no_problem(options: dict[str, Any]) -> None:
    assert list(packer.check(function(), target(**options))) == []


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 6000},
        {"timeout": 601},
        {"timeout": 0},
        {"timeout": "60"},
        {"concurrency": -1},
        {"concurrency": 1001},
        {"memory": -1},
        {"cpu": -0.5},
        {"min_instances": -1},
        {"min_instances": 3, "max_instances": 2},
        {"name": "Settle"},
        {"name": "a" * 64},
        {"name": "9lives"},
        {"name": "ends-"},
        {"namespace": "my shop"},
        {"python": "3.9"},
        {"architecture": "s390x"},
        {"runtime": "flask"},
    ],
    ids=str,
)
def test_what_knative_refuses_is_a_problem_at_its_line(options: dict[str, Any]) -> None:
    [problem] = packer.check(function(), target(**options))
    assert (problem.level, problem.place) == ("error", PLACE)
    assert problem.hint


def test_the_runtime_is_that_of_the_image() -> None:
    [runtime] = packer.runtimes(target(architecture="arm64", python="3.12"))
    assert (runtime.python, runtime.machine, runtime.glibc) == ("3.12", "aarch64", "2.36")


def test_a_derived_name_is_a_dns_label() -> None:
    long = FunctionSpec("app:Settle_It", "app", "S" * 90, PLACE, Signature((), None), None, False, ())
    name = packer.platform_name("My App", "prod", long, target())
    assert list(packer.check(function(), target(name=name))) == []
    assert packer.platform_name("My App", "prod", long, target(name="mine")) == "mine"


def test_an_image_for_every_machine_has_one_runtime_for_each() -> None:
    assert [each.machine for each in packer.runtimes(target(architecture="multi"))] == ["x86_64", "aarch64"]


def test_everything_stands_under_app_in_the_image(tmp_path: Path) -> None:
    assert packer.tree(staged({"app.py": b"y = 2\n"})) == Tree({"lib.py": b"x = 1\n", "app.py": b"y = 2\n"})
    container = packer.container(target())
    assert container is not None
    assert container.root == "app/"
    assert packer.roots(tmp_path) == [tmp_path / "app"]


def test_a_tree_for_func_has_the_package_that_func_looks_for() -> None:
    files = packer.tree(staged({"app.py": b""}, runtime="func")).files
    assert b"import new" in files["function/__init__.py"]


def revision(platform: str = "knative", **options: Any) -> dict[str, Any]:
    """The template of the manifest's one Service."""
    [service] = packer.manifest(function(), target(platform, **options), "settle", "ghcr.io/acme/settle:1")["items"]
    assert (service["apiVersion"], service["kind"]) == ("serving.knative.dev/v1", "Service")
    found: dict[str, Any] = service["spec"]["template"]
    return found


def test_a_manifest_says_of_scale_and_time_what_the_options_do() -> None:
    found = revision(min_instances=1, max_instances=7, concurrency=80, timeout=1.5)
    assert found["metadata"]["annotations"] == {
        "autoscaling.knative.dev/min-scale": "1",
        "autoscaling.knative.dev/max-scale": "7",
    }
    assert (found["spec"]["containerConcurrency"], found["spec"]["timeoutSeconds"]) == (80, 2)


def test_what_no_option_says_is_left_to_the_cluster() -> None:
    found = revision()
    assert "metadata" not in found
    assert "containerConcurrency" not in found["spec"]
    assert found["spec"]["timeoutSeconds"] == 60


def test_a_manifest_names_the_secret_of_the_wiring_and_no_user() -> None:
    spec = revision(env={"TONE": "kind"})["spec"]
    [container] = spec["containers"]
    assert [volume["secret"]["secretName"] for volume in spec["volumes"]] == ["settle"]
    assert {each["name"]: each["value"] for each in container["env"]} == {
        "HYFN_WIRING": "/etc/hyfn/wiring.json",
        "TONE": "kind",
    }
    assert container["securityContext"]["runAsNonRoot"]
    assert "runAsUser" not in str(spec)


def test_openshift_sends_plain_http_on_to_https() -> None:
    said = [
        packer.manifest(function(), target(platform), "settle", "")["items"][0]["metadata"].get("annotations")
        for platform in ("knative", "openshift")
    ]
    assert said == [None, {"networking.knative.dev/http-protocol": "redirected"}]


def test_an_image_for_openshift_runs_in_its_root_group_by_a_number() -> None:
    users = [made.user for each in ("knative", "openshift") if (made := packer.container(target(each)))]
    assert users == ["65532:65532", "65532:0"]


def test_openshift_has_its_own_name_in_limits() -> None:
    assert [packer.limits(target(each)).platform for each in ("knative", "openshift")] == [
        "Knative",
        "OpenShift Serverless",
    ]


@pytest.mark.parametrize("namespace", ["", "shop", "n" * 40])
def test_name_and_namespace_on_openshift_are_one_label(namespace: str) -> None:
    long = FunctionSpec("app:Settle_It", "app", "S" * 90, PLACE, Signature((), None), None, False, ())
    there = target("openshift", namespace=namespace)
    name = packer.platform_name("My App", "prod", long, there)
    assert len(f"{name}-{namespace or 'n' * 22}") <= 63
    assert list(packer.check(long, target("openshift", namespace=namespace, name=name))) == []


@pytest.mark.parametrize(
    "options",
    [
        {"namespace": "openshift-ingress"},
        {"namespace": "kube-system"},
        {"namespace": "default"},
        {"namespace": "shop", "name": "s" * 59},
        {"namespace": "n" * 50},
    ],
    ids=str,
)
def test_what_openshift_refuses_is_no_problem_on_knative(options: dict[str, Any]) -> None:
    [problem] = packer.check(function(), target("openshift", **options))
    assert (problem.level, problem.place) == ("error", PLACE)
    assert problem.hint
    assert list(packer.check(function(), target(**options))) == []


@pytest.mark.parametrize("file", ["function.py", "function/__init__.py", "function/part.py"])
def test_a_module_with_funcs_own_name_is_refused(file: str) -> None:
    with pytest.raises(BuildError, match="func-python") as caught:
        packer.tree(staged({file: b""}, runtime="func"))
    assert caught.value.where == "app.py:3"
    assert file in packer.tree(staged({file: b""})).files


@pytest.mark.parametrize(
    ("status", "body", "error", "executed"),
    [
        (503, b"pending request queue full\n", Overloaded, NOT_EXECUTED),
        (503, b"activator overload\n", Overloaded, NOT_EXECUTED),
        (503, b"context deadline exceeded\n", Overloaded, NOT_EXECUTED),
        (503, b"no healthy upstream", Unavailable, NOT_EXECUTED),
        (503, b"OVERLOADED", Overloaded, NOT_EXECUTED),
        (502, b"dial tcp 10.0.0.7:8012: connect: connection refused\n", Unavailable, NOT_EXECUTED),
        (502, b"EOF\n", OutcomeUnknown, UNKNOWN),
        (502, b"read tcp 10.0.0.7:8012: connection reset by peer", OutcomeUnknown, UNKNOWN),
        (503, b"upstream connect error or disconnect/reset before headers", OutcomeUnknown, UNKNOWN),
        (500, b"pending request queue full\n", OutcomeUnknown, UNKNOWN),
        (504, b"request timeout", DeadlineExceeded, UNKNOWN),
        (504, b"<html>Gateway Timeout</html>", OutcomeUnknown, UNKNOWN),
    ],
    ids=str,
)
def test_an_answer_of_the_proxies_tells_what_ran(
    status: int, body: bytes, error: type[CallError], executed: int
) -> None:
    with pytest.raises(error) as raised:
        caller.reply(Response(status, {"content-type": "text/plain"}, body))
    assert (type(raised.value), raised.value.executed) == (error, executed)


def test_a_reply_comes_back_whatever_its_status() -> None:
    sealed = b"dial tcp is what this frame happens to begin with"
    assert caller.reply(Response(200, {"content-type": CONTENT_TYPE}, sealed)) == sealed
    assert caller.reply(Response(502, {"content-type": CONTENT_TYPE}, sealed)) == sealed


class Asgi:
    """One exchange with an ASGI application."""

    def __init__(self, answer: Callable[[bytes], Answer], parts: list[bytes], method: str = "POST") -> None:
        self.sent: list[dict[str, Any]] = []
        messages: list[dict[str, Any]] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
        self._messages = iter([*messages, {"type": "http.request", "body": b""}])

        class Runs(Runner):
            async def aanswer(self, data: bytes) -> Answer:
                return answer(data)

        scope = {"type": "http", "method": method, "headers": [(b"content-type", CONTENT_TYPE.encode())]}
        asyncio.run(host.Function(Runs({}, None)).handle(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        return next(self._messages)

    async def _send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)


def test_func_is_given_the_frame_and_the_reply() -> None:
    exchange = Asgi(lambda data: Answer(200, b"reply to " + data), [b"fra", b"me"])
    start, body = exchange.sent
    assert (start["status"], dict(start["headers"])[b"content-type"]) == (200, CONTENT_TYPE.encode())
    assert body["body"] == b"reply to frame"


def test_func_refuses_what_is_no_call() -> None:
    assert Asgi(lambda data: Answer(200, data), [], method="GET").sent[0]["status"] == 400


def test_func_refuses_a_body_over_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "MAX_FRAME", 5)
    start, body = Asgi(lambda data: Answer(200, data), [b"123", b"456"]).sent
    assert (start["status"], body["body"]) == (413, b"TOO_LARGE")


@pytest.mark.parametrize(("platform_says", "address"), [({}, "127.0.0.1"), ({"K_SERVICE": "settle"}, "0.0.0.0")])
def test_only_the_platform_makes_it_listen_everywhere(
    platform_says: dict[str, str], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listened: list[str] = []
    monkeypatch.setattr(container, "main", listened.append)
    monkeypatch.delenv("K_SERVICE", raising=False)
    for name, value in platform_says.items():
        monkeypatch.setenv(name, value)
    host.main()
    assert listened == [address]


def test_the_callers_request_is_the_http_carriers() -> None:
    request = caller.request(Endpoint("knative", "app:settle", "https://settle.example/"), b"frame")
    assert (request.method, request.url, request.body) == ("POST", "https://settle.example/", b"frame")
    assert request.headers["Content-Type"] == CONTENT_TYPE
