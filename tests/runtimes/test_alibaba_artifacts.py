"""hyfn's artifacts for Function Compute: called by hyfn through both doors, and by Alibaba's own client."""

from __future__ import annotations

import hashlib
import hmac
import importlib
import json
import os
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest

from hyfn import project, remote, wiring
from hyfn.clouds.alibaba.emulate import AlibabaRunning
from hyfn.clouds.alibaba.pack import packer
from hyfn.dev.application import Application
from hyfn.errors import DeadlineExceeded, OutcomeUnknown
from hyfn.remote import Line, Session
from hyfn.toolchain import environments
from hyfn.toolchain.http1 import Connection, Message, Server, response
from hyfn.wire import message
from hyfn.wire.message import Reply, Sent

pytestmark = pytest.mark.spec

CLIENT = "alibabacloud-fc20230330==4.8.3"
KEY_ID, SECRET = "a-key-id", "a-secret"
SOURCE = '''
import os
import threading
import time

from hyfn import alibaba


class Unpaid(Exception):
    def __init__(self, amount: int) -> None:
        super().__init__(f"{amount} are missing")
        self.amount = amount


@alibaba
def settle(amount: int) -> int:
    """Calls the other door."""
    if amount < 0:
        raise Unpaid(-amount)
    return amount + fee(amount)


@alibaba(url=True, concurrency=8)
def fee(amount: int) -> int:
    return amount // 10


@alibaba(timeout=1)
def wait(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


@alibaba
def leave(status: int) -> int:
    os._exit(status)


@alibaba
async def port(name: str) -> int:
    return int(os.environ[name])


@alibaba
def data(value: bytes) -> bytes:
    return value
'''


@dataclass(frozen=True)
class Up:
    application: Application
    module: ModuleType
    session: Session

    def running(self, function: str) -> AlibabaRunning:
        found = self.application.running[f"{self.module.__name__}:{function}@alibaba"]
        assert isinstance(found, AlibabaRunning)
        return found


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop_on_alibaba.py").write_text(SOURCE)
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\ndependencies = []\n')
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).syspath_prepend(str(folder))
        application = stack.enter_context(Application(project.read(folder), lambda text: None))
        session = Session(wiring.read(application.laptop()), frozenset(), "dev")
        yield Up(application, importlib.import_module("shop_on_alibaba"), session)
    sys.modules.pop("shop_on_alibaba", None)


@pytest.fixture
def up(started: Up, monkeypatch: pytest.MonkeyPatch) -> Up:
    """The application, called from this process."""
    monkeypatch.setattr(remote, "session", lambda: started.session)
    return started


def test_a_call_goes_through_both_doors(up: Up) -> None:
    assert up.module.settle(100) == 110
    assert (up.running("settle").endpoint.door, up.running("fee").endpoint.door) == ("", "http")


def test_it_says_that_a_stand_in_runs_it(up: Up) -> None:
    running = up.running("settle")
    assert running.evidence == "spec"
    assert running.runtime.startswith("hyfn.host ")


def test_an_exception_is_raised_as_its_own_class(up: Up) -> None:
    with pytest.raises(up.module.Unpaid, match="7 are missing") as raised:
        up.module.settle(-7)
    assert raised.value.amount == 7


def test_some_megabytes_go_there_and_back(up: Up) -> None:
    value = os.urandom(4_000_000)
    assert up.module.data(value) == value


def test_a_function_that_takes_longer_than_its_timeout_is_ended(up: Up) -> None:
    with pytest.raises(DeadlineExceeded, match="timed out after 1 seconds"):
        up.module.wait(30.0)
    assert up.module.wait(0.0) == 0.0


def test_a_function_that_ends_its_process_leaves_its_outcome_unknown(up: Up) -> None:
    with pytest.raises(OutcomeUnknown, match="Process exited unexpectedly"):
        up.module.leave(3)


def test_only_loopback_is_listened_on(up: Up) -> None:
    port = up.module.port.spawn("FC_CUSTOM_LISTEN_PORT").result(timeout=30)
    listening = {
        columns[1].rpartition(":")[0]
        for table in ("tcp", "tcp6")
        for columns in (line.split() for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:])
        if columns[3] == "0A" and int(columns[1].rpartition(":")[2], 16) == port
    }
    assert listening == {"0100007F"}


SCRIPT = """
import json, sys
from base64 import b64decode, b64encode
from alibabacloud_fc20230330 import models
from alibabacloud_fc20230330.client import Client
from alibabacloud_tea_openapi.models import Config
from darabonba.exceptions import DaraException
from darabonba.runtime import RuntimeOptions

endpoint, key_id, secret, function = sys.argv[1:]
config = Config(
    access_key_id=key_id, access_key_secret=secret, endpoint=endpoint, protocol="http", region_id="cn-hangzhou"
)
request = models.InvokeFunctionRequest(body=b64decode(sys.stdin.read()))
headers = models.InvokeFunctionHeaders(x_fc_invocation_type="Sync")
try:
    got = Client(config).invoke_function_with_options(function, request, headers, RuntimeOptions(autoretry=False))
    body = b64encode(got.body.read()).decode()
    print(json.dumps({"status": got.status_code, "headers": dict(got.headers), "body": body}))
except DaraException as error:
    print(json.dumps({"code": error.code, "status": getattr(error, "status_code", None)}))
"""
MODEL = """
import json, sys
from alibabacloud_fc20230330 import models

described = json.load(sys.stdin)
print(json.dumps({
    "function": models.CreateFunctionInput().from_map(described["function"]).to_map(),
    "triggers": [models.CreateTriggerInput().from_map(trigger).to_map() for trigger in described["triggers"]],
}))
"""


def vendors(script: str, *arguments: str, given: str) -> Any:
    """What a program in an environment with Alibaba's client prints."""
    python = environments.environment("alibabacloud-fc", [CLIENT], "3.11", lambda text: None).python
    command = [str(python), "-c", script, *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@dataclass
class Gateway:
    """Passes on requests with a right signature of SECRET, as Alibaba's gateway does, and refuses others."""

    behind: str
    server: Server = field(init=False)

    def __post_init__(self) -> None:
        self.server = Server(self._answer)

    def _answer(self, connection: Connection, message: Message) -> None:
        if not is_signed(message, SECRET):
            document = b'{"Code": "SignatureDoesNotMatch", "Message": "no"}'
            connection.send(response("403 Forbidden", {"Content-Type": "application/json"}, document))
            return
        onward = HTTPConnection(self.behind, timeout=20)
        onward.request(message.method, message.target, message.body, dict(message.headers))
        got = onward.getresponse()
        body = got.read()
        onward.close()
        headers = {name: value for name, value in got.headers.items() if name.lower() != "content-length"}
        connection.send(response(f"{got.status} ", headers, body))


def is_signed(request: Message, secret: str) -> bool:
    """By https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    given = dict(part.partition("=")[::2] for part in rest.split(","))
    path, _, query = request.target.partition("?")
    names = given["SignedHeaders"].split(";")
    digest = hashlib.sha256(request.body).hexdigest()
    lines = [f"{name}:{request.headers[name].strip()}\n" for name in names]
    canonical = "\n".join([request.method, path, query, "".join(lines), ";".join(names), digest])
    signed = f"{scheme}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    right = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
    is_whole = request.headers["x-acs-content-sha256"] == digest and "x-acs-content-sha256" in names
    return scheme == "ACS3-HMAC-SHA256" and is_whole and hmac.compare_digest(given["Signature"], right)


@pytest.fixture
def gateway(up: Up) -> Iterator[str]:
    """Its address, with `settle` behind it."""
    made = Gateway(urlsplit(up.running("settle").endpoint.url).netloc)
    yield f"127.0.0.1:{made.server.port}"
    made.server.stop()


def sealed(up: Up, amount: int) -> tuple[Line, Sent]:
    """A call of settle(amount), and the line that it goes by."""
    line = up.session.line(up.module.settle)
    route, _ = line.routes[0]
    return line, message.call(
        key_id=route.key_id,
        key=route.key,
        issuer=line.issuer,
        audience=route.audience,
        contract=line.contract,
        remaining=30.0,
        body=line.arguments.pack((amount,), {}),
        id=message.new_id(),
        root=bytes(16),
        hop=0,
    )


def test_alibabas_own_client_calls_an_artifact_with_a_signed_frame(up: Up, gateway: str) -> None:
    line, sent = sealed(up, 200)
    got = vendors(SCRIPT, gateway, KEY_ID, SECRET, "settle", given=b64encode(sent.frame).decode())
    assert got["status"] == 200
    assert line.result.unpack(Reply(b64decode(got["body"]), sent).body) == 220
    assert len(got["headers"]["x-fc-request-id"]) == 36


def test_alibabas_own_client_reads_the_refusals(up: Up, gateway: str) -> None:
    wrong = vendors(SCRIPT, gateway, KEY_ID, "another-secret", "settle", given="")
    assert (wrong["code"], wrong["status"]) == ("SignatureDoesNotMatch", 403)
    unknown = vendors(SCRIPT, gateway, KEY_ID, SECRET, "nothing", given="")
    assert (unknown["code"], unknown["status"]) == ("FunctionNotFound", 404)


def test_alibabas_own_model_knows_every_field_of_a_manifest(up: Up) -> None:
    [function] = [one for one in up.application.project.functions if one.qualname == "fee"]
    described = packer.manifest(function, function.targets[0], "fee", "")
    assert described["triggers"]
    known = vendors(MODEL, given=json.dumps(described))
    assert known["triggers"] == described["triggers"]
    assert {name: known["function"].get(name) for name in described["function"]} == described["function"]
