"""What Azure's bindings say of triggers, what they need beside the app, and what Azure has not."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from hyfn.clouds.azure import bindings, template
from hyfn.clouds.azure.pack import packer
from hyfn.errors import BuildError
from hyfn.model import FunctionSpec, Place, Signature, Staged, Target, Trigger
from tests.commands import hyfn, written

PLACE = Place("app.py", 7)
QUEUE = {"kind": "queue", "name": "orders", "batch": 1, "connection": ""}
STREAM = {"kind": "stream", "name": "clicks", "batch": 100, "start": "latest", "via": "platform", "connection": ""}
KAFKA = {**STREAM, "via": "kafka", "connection": "BROKERS"}
BLOB = {"kind": "blob", "container": "in", "prefix": "", "suffix": "", "change": "created", "connection": ""}
TOPIC = {"kind": "topic", "name": "news", "connection": ""}
HTTP = {"kind": "http", "path": "/orders/{id}", "methods": ["GET"], "mount": ""}
EVENT = {"kind": "event", "type": "com.acme.paid", "source": ""}
SCHEDULE = {"kind": "schedule", "when": "0 6 * * MON-FRI", "timezone": "UTC"}

Said = dict[str, Any]


def _settings(trigger: Said) -> tuple[str, Said]:
    [binding] = bindings.of("app:work", {"app:work": [trigger]})
    return binding["trigger"], binding["settings"]


def test_a_timer_has_a_field_for_seconds() -> None:
    assert _settings(SCHEDULE) == ("timer_trigger", {"schedule": "0 0 6 * * 1-5"})


@pytest.mark.parametrize(
    ("trigger", "setting", "value"),
    [
        (QUEUE, "connection", "AzureWebJobsStorage"),
        ({**QUEUE, "connection": "SHOP"}, "connection", "SHOP"),
        (TOPIC, "connection", "AzureWebJobsServiceBus"),
        (TOPIC, "subscription_name", "%WEBSITE_SITE_NAME%"),
        (STREAM, "connection", "AzureWebJobsEventHubs"),
        (STREAM, "consumer_group", "%WEBSITE_SITE_NAME%"),
        (KAFKA, "broker_list", "%BROKERS%"),
        ({**KAFKA, "connection": "a:9092,b:9092"}, "broker_list", "a:9092,b:9092"),
    ],
)
def test_a_trigger_says_what_azure_must_know(trigger: Said, setting: str, value: str) -> None:
    assert _settings(trigger)[1][setting] == value


@pytest.mark.parametrize("trigger", [EVENT, BLOB, {**BLOB, "change": "deleted"}])
def test_what_only_event_grid_tells_of_is_a_trigger_of_event_grid(trigger: Said) -> None:
    assert _settings(trigger) == ("event_grid_trigger", {})


def test_a_stream_that_fails_is_tried_again_until_it_is_taken() -> None:
    [binding] = bindings.of("app:work", {"app:work": [STREAM]})
    assert binding["retry"]["max_retry_count"] == "-1"


def test_functions_that_wait_for_the_same_share_a_binding() -> None:
    found = bindings.of("app:a", {"app:a": [QUEUE, TOPIC], "app:b": [QUEUE]})
    assert [(binding["kind"], binding["functions"]) for binding in found] == [
        ("queue", ["app:a", "app:b"]),
        ("topic", ["app:a"]),
    ]


def test_bindings_have_names_of_their_own_that_azure_takes() -> None:
    triggers: list[Said] = [
        QUEUE,
        {**QUEUE, "name": "others"},
        BLOB,
        {**BLOB, "prefix": "x"},
        STREAM,
        KAFKA,
        TOPIC,
        EVENT,
        SCHEDULE,
    ]
    names = [binding["name"] for binding in bindings.of("app:Shop.work", {"app:Shop.work": triggers})]
    assert len(set(names)) == len(triggers)
    assert all(name.startswith("Shop-work-") for name in names)


def test_an_emitter_finds_the_name_by_the_trigger_alone() -> None:
    [binding] = bindings.of("app:work", {"app:work": [{**QUEUE, "batch": 8}]})
    options = {name: value for name, value in QUEUE.items() if name != "kind"}
    assert bindings.name("app:work", "queue", options) == binding["name"]


def test_host_json_holds_what_is_for_all_functions() -> None:
    settings = bindings.host_settings({"app:a": [{**QUEUE, "batch": 8}, {**STREAM, "batch": 50}, KAFKA]})
    assert settings["extensionBundle"]["version"] == "[4.0.0, 5.0.0)"
    assert settings["extensions"] == {
        "queues": {"batchSize": 8},
        "eventHubs": {"maxEventBatchSize": 50, "initialOffsetOptions": {"type": "fromEnd"}},
        "kafka": {"maxBatchSize": 100, "AutoOffsetReset": "Latest"},
    }


@pytest.mark.parametrize("triggers", [[], [SCHEDULE]])
def test_what_needs_no_extension_asks_for_none(triggers: list[Said]) -> None:
    assert bindings.host_settings({"app:a": triggers}) == {}


def test_pages_are_where_their_functions_say_and_need_no_extension() -> None:
    assert bindings.host_settings({"app:a": [HTTP, SCHEDULE]}) == {"extensions": {"http": {"routePrefix": ""}}}


def test_all_that_take_plain_http_share_one_function_of_azures() -> None:
    other = {**HTTP, "path": "/other"}
    [binding] = bindings.of("app:a", {"app:a": [HTTP, other], "app:b": [other]})
    assert (binding["name"], binding["functions"]) == ("a-http", ["app:a", "app:b"])
    assert binding["settings"]["auth_level"] == "anonymous"


@pytest.mark.parametrize(
    ("one", "other"),
    [(QUEUE, {**QUEUE, "name": "b", "batch": 2}), (STREAM, {**STREAM, "name": "b", "start": "earliest"})],
)
def test_functions_of_one_app_cannot_want_different_things_of_it(one: Said, other: Said) -> None:
    with pytest.raises(BuildError, match="one group") as raised:
        bindings.host_settings({"app:a": [one], "app:b": [other]})
    assert raised.value.hint


def _function(trigger: Said, **options: Any) -> tuple[FunctionSpec, Target]:
    target = Target("azure", "azure", options, PLACE)
    own = {name: value for name, value in trigger.items() if name != "kind"}
    triggers = [Trigger(trigger["kind"], own, PLACE)]
    spec = FunctionSpec("app:work", "app", "work", PLACE, Signature((), None), None, False, [target], triggers=triggers)
    return spec, target


def test_function_app_is_python_and_holds_the_bindings() -> None:
    function, target = _function({**QUEUE, "name": 'a"ü😀\\'})
    [runtime] = packer.runtimes(target)
    triggers = {"triggers": {"app:work": [{**QUEUE, "name": 'a"ü😀\\'}]}}
    own = {"hyfn.json": json.dumps(triggers).encode()}
    script = packer.tree(Staged("shop", function, target, runtime, {}, own, [])).files["function_app.py"].decode()
    call = ast.parse(script).body[-1].value  # type: ignore[attr-defined]
    name, level, found, seconds = map(ast.literal_eval, call.args)
    assert (name, level, seconds) == ("work", "function", 60)
    assert found == bindings.of("app:work", triggers["triggers"])


@pytest.mark.parametrize(
    ("trigger", "options", "said"),
    [
        ({**SCHEDULE, "when": "every 7 minutes"}, {}, "every 7 minutes"),
        ({**QUEUE, "batch": 33}, {}, "32 messages"),
        ({**QUEUE, "connection": "DefaultEndpointsProtocol=https;AccountKey=x"}, {}, "app setting"),
        ({**STREAM, "connection": "Endpoint=sb://x"}, {}, "app setting"),
        ({**KAFKA, "connection": ""}, {}, "servers"),
        ({**HTTP, "path": "/admin/users"}, {}, "/admin"),
        ({**HTTP, "path": "/api"}, {}, "/api"),
        (TOPIC, {"name": "x" * 51}, "subscription"),
        (STREAM, {"name": "x" * 51}, "subscription"),
    ],
)
def test_what_azure_would_refuse_is_a_problem_at_the_triggers_line(trigger: Said, options: Said, said: str) -> None:
    [problem] = packer.check(*_function(trigger, **options))
    assert said in problem.message
    assert (problem.level, problem.place) == ("error", PLACE)
    assert problem.hint


@pytest.mark.parametrize(
    "trigger", [SCHEDULE, QUEUE, STREAM, KAFKA, TOPIC, BLOB, EVENT, HTTP], ids=lambda said: said["kind"]
)
def test_what_azure_takes_is_no_problem(trigger: Said) -> None:
    assert list(packer.check(*_function(trigger))) == []


def _refused(folder: Path, decorator: str) -> str:
    source = f"from hyfn import Event, azure, on\n\n\n@azure\n@{decorator}\ndef work(event: Event) -> None: ...\n"
    done = hyfn("check", cwd=written(folder, {"app.py": source, "pyproject.toml": '[project]\nname = "shop"\n'}))
    assert done.status != 0
    return " ".join((done.out + done.err).split())


def test_check_refuses_a_time_zone_which_azure_has_not(tmp_path: Path) -> None:
    said = _refused(tmp_path, 'on.schedule("0 6 * * *", timezone="Europe/Berlin")')
    assert "app.py:5" in said
    assert "timezone='Europe/Berlin'" in said


def test_check_refuses_a_rate_that_ncrontab_cannot_say(tmp_path: Path) -> None:
    assert "every 7 minutes" in _refused(tmp_path, 'on.schedule("every 7 minutes")')


def _template(*triggers: Said) -> Any:
    specs = [_function(trigger)[0].triggers[0] for trigger in triggers]
    return template.of("app:work", specs, "shop-work")


def test_what_azure_itself_listens_to_needs_nothing_beside_the_app() -> None:
    assert _template(QUEUE, SCHEDULE, KAFKA) is None


def test_a_template_subscribes_the_app_to_what_its_triggers_name() -> None:
    made = _template({**BLOB, "prefix": "a/", "suffix": ".pdf"}, {**EVENT, "source": "/shop"}, TOPIC, STREAM)
    blob, event, topic, stream = made["resources"]
    assert list(made["parameters"]) == [
        "app",
        "storageAccount",
        "eventGridTopic",
        "serviceBusNamespace",
        "eventHubsNamespace",
    ]
    assert {name: value for name, value in blob["properties"]["filter"].items() if name != "advancedFilters"} == {
        "includedEventTypes": ["Microsoft.Storage.BlobCreated"],
        "subjectBeginsWith": "/blobServices/default/containers/in/blobs/a/",
        "subjectEndsWith": ".pdf",
        "isSubjectCaseSensitive": True,
    }
    assert event["properties"]["eventDeliverySchema"] == "CloudEventSchemaV1_0"
    assert event["properties"]["filter"]["advancedFilters"][0]["values"] == ["/shop"]
    assert topic["name"] == "[concat(parameters('serviceBusNamespace'), '/news/', parameters('app'))]"
    assert stream["name"] == "[concat(parameters('eventHubsNamespace'), '/clicks/', parameters('app'))]"


@pytest.mark.parametrize("change", ["created", "deleted"])
def test_a_storage_account_tells_the_function_itself_of_a_blob(change: str) -> None:
    [made] = _template({**BLOB, "change": change})["resources"]
    destination = made["properties"]["destination"]
    name = bindings.name("app:work", "blob", _function({**BLOB, "change": change})[0].triggers[0].options)
    assert destination["endpointType"] == "AzureFunction"
    assert destination["properties"]["resourceId"].endswith(f"'{name}')]")


def test_a_file_that_is_begun_is_not_told_of_before_it_is_written() -> None:
    [made] = _template(BLOB)["resources"]
    [only] = made["properties"]["filter"]["advancedFilters"]
    assert (only["operatorType"], only["key"]) == ("StringNotIn", "data.api")
    assert "CreateFile" in only["values"]
