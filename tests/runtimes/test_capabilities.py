"""The figures that hyfn tells of a platform are those in its vendor's own client."""

from __future__ import annotations

import json
import subprocess

import pytest

from hyfn.cli import platforms
from hyfn.model import Capabilities
from hyfn.toolchain import environments

pytestmark = pytest.mark.runtime

LAMBDA = """
import json
import botocore.session
model = botocore.session.get_session().get_service_model("lambda")
created = model.shape_for("CreateFunctionRequest").members
print(json.dumps({
    "memory": model.shape_for("MemorySize").metadata,
    "runtimes": model.shape_for("Runtime").enum,
    "timeout": created["Timeout"].documentation,
    "invoke": model.operation_model("Invoke").documentation,
}))
"""
FUNCTION_COMPUTE = """
import inspect, json, re
from alibabacloud_fc20230330.models import CreateFunctionInput
lines = [line.strip() for line in inspect.getsource(CreateFunctionInput).splitlines()]
print(json.dumps({name: lines[lines.index(f"self.{name} = {name}") - 1] for name in ("memory_size", "timeout")}))
"""


def asked(name: str, requirement: str, program: str) -> dict[str, object]:
    """What `program` prints as JSON, where the client is installed."""
    made = environments.environment(name, [requirement], "3.11", print)
    done = subprocess.run([made.python, "-c", program], capture_output=True, text=True, check=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def told(platform: str) -> Capabilities:
    return platforms.read([platform])[platform]


def test_lambdas_figures_are_those_of_its_api_model() -> None:
    known, model = told("aws"), asked("aws-model", "botocore==1.44.5", LAMBDA)
    assert known.memory
    assert known.timeout
    assert known.request
    assert known.event
    # The API takes 32,768 too, which a function on Lambda's own compute cannot have: see capabilities of aws.
    assert model["memory"] == {"min": known.memory.least, "max": 32_768}
    assert f"the maximum allowed value is {known.timeout.most:g} seconds." in str(model["timeout"])
    assert f"the maximum payload size is {known.request.value / 2**20:g} MB" in str(model["invoke"])
    assert f"the maximum payload size is {known.event.value / 2**20:g} MB" in str(model["invoke"])
    assert {f"python{python}" for python in known.pythons} <= set(_listed(model["runtimes"]))


def test_function_computes_memory_and_timeout_are_those_of_its_client() -> None:
    known = told("alibaba")
    said = asked("alibaba-model", "alibabacloud-fc20230330==4.8.3", FUNCTION_COMPUTE)
    assert known.memory
    assert known.timeout
    memory, timeout = str(said["memory_size"]), str(said["timeout"])
    assert f"minimum value is {known.memory.least:g} MB" in memory
    assert f"maximum value is {known.memory.most / 1024:g} GB" in memory
    assert f"minimum value is {known.timeout.least:g}" in timeout
    assert f"maximum value is {known.timeout.most:g}" in timeout


def _listed(found: object) -> list[str]:
    assert isinstance(found, list)
    return found
