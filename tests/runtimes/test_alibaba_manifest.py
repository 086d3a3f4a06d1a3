"""Alibaba's own clients know every field of the triggers and rules that a manifest holds."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from hyfn.clouds.alibaba.pack import packer
from hyfn.model import Target
from hyfn.toolchain import environments
from tests.runtimes.test_alibaba_artifacts import CLIENT
from tests.unit.test_alibaba_triggers import LINE, function, trigger

pytestmark = pytest.mark.runtime

EVENTBRIDGE = "alibabacloud_eventbridge20200401==8.7.0"
READ = """
import importlib, json, sys

module, name = sys.argv[1:]
model = getattr(importlib.import_module(module), name)
print(json.dumps([model().from_map(each).to_map() for each in json.load(sys.stdin)]))
"""
CONFIGURATIONS = {
    "timer": "TimerTriggerConfig",
    "oss": "OSSTriggerConfig",
    "mns_topic": "MNSTopicTriggerConfig",
    "eventbridge": "EventBridgeTriggerConfig",
}


@pytest.fixture(scope="module")
def manifest() -> Mapping[str, Any]:
    kinds = ("schedule", "blob", "queue", "topic", "stream", "event")
    every = [*(trigger(kind) for kind in kinds), trigger("event", type="ecs:Changed", source="acs.ecs")]
    return packer.manifest(function(*every), Target("alibaba", "alibaba", {}, LINE), "shop-dev-f", "")


def known(package: str, module: str, name: str, given: Sequence[Any]) -> Any:
    """What is left of it once the vendor's model has read it."""
    python = environments.environment(package.partition("==")[0], [package], "3.11", lambda text: None).python
    command = [str(python), "-c", READ, module, name]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_each_trigger_is_one_of_create_triggers(manifest: Mapping[str, Any]) -> None:
    assert {each["triggerType"] for each in manifest["triggers"]} == set(CONFIGURATIONS)
    assert (
        known(CLIENT, "alibabacloud_fc20230330.models", "CreateTriggerInput", manifest["triggers"])
        == manifest["triggers"]
    )


@pytest.mark.parametrize("kind", sorted(CONFIGURATIONS))
def test_each_configuration_is_of_its_type(manifest: Mapping[str, Any], kind: str) -> None:
    said = [json.loads(each["triggerConfig"]) for each in manifest["triggers"] if each["triggerType"] == kind]
    assert said
    assert known(CLIENT, "alibabacloud_fc20230330.models", CONFIGURATIONS[kind], said) == said


def test_each_rule_is_one_of_create_rules(manifest: Mapping[str, Any]) -> None:
    assert len(manifest["rules"]) == 1
    assert (
        known(EVENTBRIDGE, "alibabacloud_eventbridge20200401.models", "CreateRuleRequest", manifest["rules"])
        == manifest["rules"]
    )
