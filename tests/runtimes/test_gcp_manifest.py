"""What is said to Google's APIs, held against the messages of its own clients."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from hyfn import project
from hyfn.toolchain import environments
from tests import waking

pytestmark = pytest.mark.runtime

CLIENTS = [
    "google-cloud-functions==1.25.0",
    "google-cloud-eventarc==1.22.0",
    "google-cloud-scheduler==2.21.0",
    "google-cloud-tasks==2.26.0",
    "google-cloud-pubsub==2.44.0",
]
PARSE = """
import json, sys
from google.cloud import eventarc_v1, functions_v2, scheduler_v1, tasks_v2beta3
from google.protobuf import json_format
from google.pubsub_v1 import types as pubsub
KINDS = {
    "functions": functions_v2.Function,
    "triggers": eventarc_v1.Trigger,
    "jobs": scheduler_v1.Job,
    "queues": tasks_v2beta3.Queue,
    "subscriptions": pubsub.Subscription,
}
for group, bodies in json.load(sys.stdin).items():
    for name, body in bodies.items():
        try:
            json_format.ParseDict(body, KINDS[group].pb()())
        except json_format.ParseError as error:
            print(f"{group} {name}: {error}")
"""


def refused(document: Any) -> list[str]:
    """What Google's own messages do not take."""
    environment = environments.environment("google-clients", CLIENTS, "3.11", lambda _: None)
    argv = [str(environment.python), "-W", "ignore", "-c", PARSE]
    done = subprocess.run(argv, input=json.dumps(document), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = waking.write(tmp_path_factory.mktemp("google"), "gcp", more="memory=512, min_instances=1")
    built = project.build(project.read(folder), folder / "out", lambda text: None)
    found = {each.short: each.path.with_suffix(".manifest.json") for each in built.artifacts}
    return {short: json.loads(path.read_text()) for short, path in found.items()}


def test_google_s_own_messages_take_every_manifest(manifests: dict[str, Any]) -> None:
    assert {short: found for short, each in manifests.items() if (found := refused(each))} == {}
    groups = {group for each in manifests.values() for group in each}
    assert groups == {"functions", "triggers", "jobs", "queues", "subscriptions"}


def test_they_would_not_take_a_field_that_there_is_not(manifests: dict[str, Any]) -> None:
    [function, *_] = manifests["on_queue"]["functions"].values()
    function["serviceConfig"]["availableMemori"] = "1Gi"
    assert "availableMemori" in refused(manifests["on_queue"])[0]


def test_what_takes_events_is_internal_and_takes_nothing_else(manifests: dict[str, Any]) -> None:
    for each in manifests.values():
        calls, events = each["functions"].values()
        assert events["serviceConfig"]["ingressSettings"] == "ALLOW_INTERNAL_ONLY"
        assert events["serviceConfig"]["environmentVariables"]["HYFN_DOOR"] == "events"
        assert "HYFN_DOOR" not in calls["serviceConfig"].get("environmentVariables", {})


def test_a_manifest_holds_no_secret_and_names_no_project(manifests: dict[str, Any]) -> None:
    text = json.dumps(manifests)
    assert "HYFN_WIRING" not in text
    assert "projects/${PROJECT}" in text
