"""What is there on Google Cloud, in the form in which it is wanted: read, and changed by nobody here.

Accounts and jobs have no labels: their descriptions say whose they are. A queue has neither: it is ours if it sends as
an account of ours. Who has a role is ours if the thing is, and the role is one that hyfn gives.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from typing import Any
from urllib.parse import quote

from hyfn.clouds.gcp.control import Google
from hyfn.resource import DIGEST, Key, Live, Stage

Json = dict[str, Any]
CLOUD = "gcp"
ACCESSOR, INVOKER, RECEIVER = (
    "roles/secretmanager.secretAccessor",
    "roles/run.invoker",
    "roles/eventarc.eventReceiver",
)
PUBLIC = "allUsers"
CODE_DIGITS = 56
"""Of an artifact's digest, in a label: its value has 63 letters at most."""
CODE, LIVE = "hyfn-code", "hyfn-live"
MOUNT, FILE = "/etc/secrets/hyfn", "wiring.json"
WIRING = {"HYFN_WIRING": f"{MOUNT}/{FILE}"}
MAX_ACCOUNT = 30
SHORTEST_ACCOUNT = 6

BODY: Mapping[str, Any] = {
    "Job": {
        "schedule": 0,
        "timeZone": 0,
        "httpTarget": {"uri": 0, "httpMethod": 0, "body": 0, "oidcToken": {"serviceAccountEmail": 0}},
    },
    "Trigger": {
        "eventFilters": 0,
        "destination": {"cloudRun": {"service": 0, "region": 0}},
        "serviceAccount": 0,
        "channel": 0,
        "transport": {"pubsub": {"topic": 0}},
    },
    "Queue": {
        "httpTarget": {
            "uriOverride": {"host": 0, "scheme": 0, "uriOverrideEnforceMode": 0},
            "oidcToken": {"serviceAccountEmail": 0},
        }
    },
    "Subscription": {
        "topic": 0,
        "enableMessageOrdering": 0,
        "ackDeadlineSeconds": 0,
        "pushConfig": {"pushEndpoint": 0, "oidcToken": {"serviceAccountEmail": 0}},
    },
    "Service": {
        "availableMemory": 0,
        "timeoutSeconds": 0,
        "minInstanceCount": 0,
        "maxInstanceCount": 0,
        "maxInstanceRequestConcurrency": 0,
        "ingressSettings": 0,
        "serviceAccountEmail": 0,
    },
}
"""What hyfn says of each; the rest is Google's own."""
LISTS = {
    "Job": ("cloudscheduler", "jobs"),
    "Trigger": ("eventarc", "triggers"),
    "Queue": ("cloudtasks", "queues"),
    "Subscription": ("pubsub", "subscriptions"),
}


def account(name: str) -> str:
    """The id of a function's service account: 6 to 30 letters, digits and hyphens.

    https://cloud.google.com/iam/docs/service-accounts-create
    """
    if SHORTEST_ACCOUNT <= len(name) <= MAX_ACCOUNT:
        return name
    tail = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{name[: MAX_ACCOUNT - 7].rstrip('-')}-{tail}"


def address(name: str, project: str) -> str:
    return f"{account(name)}@{project}.iam.gserviceaccount.com"


def labels(stage: Stage) -> dict[str, str]:
    return {"hyfn-app": _label(stage.app), "hyfn-stage": _label(stage.name)}


def _label(text: str) -> str:
    """https://cloud.google.com/resource-manager/docs/labels-overview"""
    if re.fullmatch(r"[a-z0-9_-]{0,63}", text):
        return text
    return f"{re.sub(r'[^a-z0-9_-]', '-', text.lower())[:50]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def said(stage: Stage) -> str:
    """The same where there are no labels."""
    return " ".join(f"{name}={value}" for name, value in labels(stage).items())


def has_labels(found: Json, stage: Stage) -> bool:
    return labels(stage).items() <= (found.get("labels") or {}).items()


def kept(value: Any, shape: Any) -> Any:
    """Those parts of the value that the shape names."""
    if not shape or not isinstance(value, dict):
        return value
    return {name: kept(value[name], each) for name, each in shape.items() if name in value}


def last(found: Json) -> str:
    return str(found["name"]).rpartition("/")[2]


def observed(google: Google, stage: Stage, keys: Sequence[Key], pool: Executor) -> Iterator[Live]:
    """Everything of one project and region."""
    wanted = {kind: {key.name for key in keys if key.kind == kind} for kind in {key.kind for key in keys}}
    project = f"projects/{google.project}"
    jobs: list[Future[Any]] = [
        pool.submit(lambda: list(google.pages("iam", f"{project}/serviceAccounts", "accounts"))),
        pool.submit(lambda: list(google.pages("secretmanager", f"{project}/secrets", "secrets"))),
        pool.submit(lambda: list(google.functions("list_functions", {"parent": google.parent})["functions"])),
        *(pool.submit(_listed, google, kind) for kind in LISTS if wanted.get(kind) or kind != "Queue"),
    ]
    accounts, secrets, functions, *rest = [job.result() for job in jobs]
    own = {each["email"] for each in accounts if said(stage) == each.get("description")}
    for each in accounts:
        if each["email"] in own or last(each).partition("@")[0] in wanted.get("ServiceAccount", ()):
            yield account_live(google, each, stage)
    found_secrets = [one for one in secrets if has_labels(one, stage) or last(one) in wanted.get("Secret", ())]
    for each in found_secrets:
        yield secret_live(google, each, stage)
    for lives in pool.map(
        lambda one: list(versions(google, one)), [one for one in found_secrets if has_labels(one, stage)]
    ):
        yield from lives
    names = {*wanted.get("Function", ()), *wanted.get("Deployment", ())}
    found = [one for one in functions if has_labels(one, stage) or last(one) in names]
    for each in found:
        yield from function_lives(google, each, stage)
    things = {f"secret/{last(one)}" for one in found_secrets if has_labels(one, stage)}
    things |= {f"service/{last(one)}" for one in found if has_labels(one, stage)}
    things |= {f"project/{google.project}"} if own else set()
    things |= {name.partition(" ")[0] for name in wanted.get("Access", ())}
    mine = {f"serviceAccount:{email}" for email in own}
    for accesses in pool.map(lambda one: accesses_of(google, one, mine, wanted.get("Access", ())), sorted(things)):
        yield from accesses
    for kind, many in [each for each in rest if each]:
        for each in many:
            if is_own(kind, each, stage, own) or last(each) in wanted.get(kind, ()):
                yield thing_live(google, kind, each, is_own(kind, each, stage, own))


def _listed(google: Google, kind: str) -> tuple[str, list[Json]]:
    """What a project never turned on, it has none of."""
    api, under = LISTS[kind]
    parent = f"projects/{google.project}" if kind == "Subscription" else google.parent
    from hyfn.clouds.gcp.control import Refused

    try:
        return kind, list(google.pages(api, f"{parent}/{under}", under))
    except Refused as error:
        if error.status == 403 and "SERVICE_DISABLED" in error.message:
            return kind, []
        raise


def is_own(kind: str, found: Json, stage: Stage, emails: Collection[str]) -> bool:
    if kind == "Job":
        return bool(found.get("description") == said(stage))
    if kind == "Queue":
        token = (found.get("httpTarget") or {}).get("oidcToken") or {}
        return token.get("serviceAccountEmail") in emails
    return has_labels(found, stage)


def account_live(google: Google, found: Json, stage: Stage) -> Live:
    id, email = str(found["email"]).partition("@")[0], str(found["email"])
    trouble = "it is disabled" if found.get("disabled") else ""
    body = {"displayName": found.get("displayName", ""), "email": email}
    key = Key(CLOUD, google.scope, "ServiceAccount", id)
    return Live(key, body, {"email": email}, "", found.get("description") == said(stage), trouble)


def secret_live(google: Google, found: Json, stage: Stage) -> Live:
    places = ((found.get("replication") or {}).get("userManaged") or {}).get("replicas") or []
    body = {"region": ",".join(each["location"] for each in places)}
    key = Key(CLOUD, google.scope, "Secret", last(found))
    return Live(key, body, {}, str(found.get("etag", "")), has_labels(found, stage))


def versions(google: Google, secret: Json) -> Iterator[Live]:
    """The newest that hyfn finished, by the secret's name; all others by their numbers too."""
    name = last(secret)
    path = f"projects/{google.project}/secrets/{name}/versions"
    listed = google.pages("secretmanager", path, "versions", {"filter": "state:ENABLED"})
    numbers = sorted((int(last(each)) for each in listed if each.get("state") == "ENABLED"), reverse=True)
    is_first = True
    for number in numbers:
        digest = (secret.get("annotations") or {}).get(f"hyfn-{number}")
        is_current = is_first and bool(digest)
        key = Key(CLOUD, google.scope, "SecretVersion", name if is_current else f"{name}:{number}")
        is_first = is_first and not is_current
        yield Live(key, {DIGEST: digest or ""}, {"version": str(number)}, str(secret.get("etag", "")))


def function_lives(google: Google, found: Json, stage: Stage) -> Iterator[Live]:
    """The function's address, and what is deployed there."""
    name, is_ours = last(found), has_labels(found, stage)
    service = found.get("serviceConfig") or {}
    state, etag = found.get("state", ""), str(found.get("updateTime", ""))
    words = "; ".join(str(each.get("message", "")) for each in found.get("stateMessages") or [])
    url = str(service.get("uri") or "")
    outputs = {"url": url, "door": "", "host": url.partition("://")[2]}
    # A function that never came up has no address. One that is there serves its last good revision.
    trouble = "" if url else " ".join(f"it is {state}: {words}".split())
    at = Key(CLOUD, google.scope, "Function", name)
    body = {"environment": found.get("environment", ""), "account": service.get("serviceAccountEmail", "")}
    yield Live(at, body, outputs, "", is_ours, trouble)
    tags = found.get("labels") or {}
    if tags.get(LIVE):
        trouble = "" if state == "ACTIVE" else " ".join(f"it is {state}: {words}".split())
        key = Key(CLOUD, google.scope, "Deployment", name)
        yield Live(key, deployed(found), {}, etag, is_ours, trouble)


def deployed(found: Json) -> Json:
    service, build = found.get("serviceConfig") or {}, found.get("buildConfig") or {}
    body = kept(service, BODY["Service"])
    variables = service.get("environmentVariables") or {}
    own = {
        name: value
        for name, value in variables.items()
        if (name, value) not in WIRING.items() and name != "LOG_EXECUTION_ID"
    }
    body["environmentVariables"] = own
    volume: Json = next((each for each in service.get("secretVolumes") or [] if each.get("mountPath") == MOUNT), {})
    version = next((str(each.get("version")) for each in volume.get("versions") or []), "")
    return {
        "artifact": f"sha256:{(found.get('labels') or {}).get(CODE, '')}",
        "build": {"runtime": build.get("runtime", ""), "entryPoint": build.get("entryPoint", "")},
        "service": body,
        "secret": {"name": volume.get("secret", ""), "version": version},
    }


def policy_path(google: Google, on: str) -> tuple[str, str, str]:
    """The API, the thing's path, and the method that reads its policy."""
    kind, _, name = on.partition("/")
    if kind == "secret":
        return "secretmanager", f"projects/{google.project}/secrets/{quote(name)}", "GET"
    if kind == "service":
        return "run", f"{google.parent}/services/{quote(name)}", "GET"
    return "cloudresourcemanager", f"projects/{quote(name)}", "POST"


def policy(google: Google, on: str) -> Json | None:
    from hyfn.clouds.gcp.control import found

    api, path, method = policy_path(google, on)
    body = {"options": {"requestedPolicyVersion": 3}} if method == "POST" else None
    params = {"options.requestedPolicyVersion": "3"} if method == "GET" else None
    return found(lambda: google.call(api, method, f"{path}:getIamPolicy", body, params))


def accesses_of(google: Google, on: str, mine: Collection[str], names: Collection[str]) -> list[Live]:
    """Who of ours, or everybody, has one of hyfn's roles on it."""
    there = policy(google, on) or {}
    lives = []
    for binding in there.get("bindings") or []:
        role = binding["role"]
        for member in binding.get("members") or []:
            name = f"{on} {role} {member}"
            is_ours = role in (ACCESSOR, INVOKER, RECEIVER) and (
                member in mine or (member == PUBLIC and role == INVOKER)
            )
            if not binding.get("condition") and (name in names or is_ours):
                body = {"role": role, "member": member}
                lives.append(Live(Key(CLOUD, google.scope, "Access", name), body, {}, str(there.get("etag", ""))))
    return lives


def thing_live(google: Google, kind: str, found: Json, is_ours: bool) -> Live:
    body = kept(found, BODY[kind])
    if kind == "Trigger":
        body["eventFilters"] = sorted(body.get("eventFilters") or [], key=lambda one: str(one["attribute"]))
        if not any("pubsub" in str(each.get("value")) for each in body["eventFilters"]):
            body.pop("transport", None)  # Google's own, for what is no topic
    trouble = f"it is {found['state']}" if found.get("state") in ("PAUSED", "DISABLED", "UPDATE_FAILED") else ""
    return Live(Key(CLOUD, google.scope, kind, last(found)), body, {}, str(found.get("etag", "")), is_ours, trouble)
