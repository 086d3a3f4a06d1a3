"""Making, changing and removing each kind of thing on Google Cloud. Each verb is safe to repeat."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

from hyfn.clouds.gcp import deploying
from hyfn.clouds.gcp import live as lives
from hyfn.clouds.gcp.control import Google, Refused, found
from hyfn.clouds.gcp.deploying import created, taken
from hyfn.clouds.gcp.live import LISTS, labels, last, said
from hyfn.errors import Changed, ShipError
from hyfn.resource import Live, Order, digest

Json = dict[str, Any]
RACES = 5


def _ours(order: Order, now: Live) -> Live:
    if not now.is_ours:
        raise taken(order)
    return now


def _put_account(google: Google, order: Order) -> Live:
    id, all = order.resource.key.name, f"projects/{google.project}/serviceAccounts"
    path = f"{all}/{order.body['email']}"
    if order.live is None:
        own = {"displayName": order.body["displayName"], "description": said(order.stage)}
        created(lambda: google.call("iam", "POST", all, {"accountId": id, "serviceAccount": own}))
    # A new account is not seen at once.
    there = google.until(lambda: google.found("iam", path), f"the account {id}")
    now = _ours(order, lives.account_live(google, there, order.stage))
    if now.trouble:
        google.call("iam", "POST", f"{path}:enable", {})
    if now.body != order.body:
        change = {"displayName": order.body["displayName"]}
        google.call("iam", "PATCH", path, {"serviceAccount": change, "updateMask": "displayName"})
    if now.trouble or now.body != order.body:
        there = google.call("iam", "GET", path)
    return lives.account_live(google, there, order.stage)


def _put_secret(google: Google, order: Order) -> Live:
    name, all = order.resource.key.name, f"projects/{google.project}/secrets"
    place = {"userManaged": {"replicas": [{"location": order.body["region"]}]}}
    body = {"replication": place, "labels": labels(order.stage)}
    made = created(lambda: google.call("secretmanager", "POST", all, body, {"secretId": name}))
    now = _ours(
        order, lives.secret_live(google, made or google.call("secretmanager", "GET", f"{all}/{name}"), order.stage)
    )
    if now.body != order.body:
        raise ShipError(f"Secret {name} is kept in {now.body['region']}, and cannot move", hint="remove it")
    return now


def _put_version(google: Google, order: Order) -> Live:
    """A version whose number is written down with the digest of its body. Without that it is nobody's, and goes."""
    name = order.resource.key.name
    path = f"projects/{google.project}/secrets/{name}"
    text = json.dumps(order.wiring).encode()
    secret = google.call("secretmanager", "GET", path)
    if order.live is not None and order.live.etag != secret.get("etag"):
        raise Changed(f"Secret {name} was changed meanwhile", hint="run it again")
    body = {"payload": {"data": b64encode(text).decode()}}
    version = google.call("secretmanager", "POST", f"{path}:addVersion", body)
    secret = google.call("secretmanager", "GET", path)
    numbers = {
        str(last(each))
        for each in google.pages("secretmanager", f"{path}/versions", "versions")
        if each.get("state") == "ENABLED"
    }
    notes = {
        note: value
        for note, value in (secret.get("annotations") or {}).items()
        if not note.startswith("hyfn-") or note[5:] in numbers
    }
    notes[f"hyfn-{last(version)}"] = digest(order.body)
    change = {"name": path, "annotations": notes, "etag": secret["etag"]}
    secret = google.call("secretmanager", "PATCH", path, change, {"updateMask": "annotations"})
    return Live(order.resource.key, order.body, {"version": last(version)}, str(secret.get("etag", "")))


def _put_access(google: Google, order: Order) -> Live:
    on, role, member = order.resource.key.name.split(" ")

    def grant(bindings: list[Json]) -> bool:
        own = next((each for each in bindings if each["role"] == role and not each.get("condition")), None)
        if own is None:
            bindings.append({"role": role, "members": [member]})
            return True
        if member in own["members"]:
            return False
        own["members"].append(member)
        return True

    _bound(google, on, grant)
    return Live(order.resource.key, order.body)


def _remove_access(google: Google, live: Live) -> None:
    on, role, member = live.key.name.split(" ")

    def revoke(bindings: list[Json]) -> bool:
        has = False
        for each in [each for each in bindings if each["role"] == role and not each.get("condition")]:
            if member in each["members"]:
                each["members"].remove(member)
                has = True
                if not each["members"]:
                    bindings.remove(each)
        return has

    _bound(google, on, revoke, is_gone_fine=True)


def _bound(google: Google, on: str, change: Callable[[list[Json]], bool], is_gone_fine: bool = False) -> None:
    """Change a policy, of which all else stays, on the condition that nobody else does meanwhile; else once more."""
    api, path, _ = lives.policy_path(google, on)
    for left in reversed(range(RACES)):
        policy = lives.policy(google, on)
        if policy is None:
            if is_gone_fine:
                return
            raise ShipError(f"{on} is not there", hint="run it again")
        bindings = [{**each, "members": list(each.get("members") or [])} for each in policy.get("bindings") or []]
        if not change(bindings):
            return
        try:
            google.call(api, "POST", f"{path}:setIamPolicy", {"policy": {**policy, "bindings": bindings}})
            return
        except Changed:
            if not left:
                raise
        except Refused as error:
            if error.status != 409 or not left:
                raise


def _put_thing(google: Google, order: Order) -> Live:
    """A job, a trigger, a queue or a subscription."""
    key = order.resource.key
    api, all = LISTS[key.kind]
    parent = f"projects/{google.project}" if key.kind == "Subscription" else google.parent
    path = f"{parent}/{all}/{key.name}"
    body: Json = {"name": path, **order.body}
    if key.kind == "Job":
        body["description"] = said(order.stage)
    elif key.kind != "Queue":
        body["labels"] = labels(order.stage)
    there = google.found(api, path)
    emails = [str(((order.body.get("httpTarget") or {}).get("oidcToken") or {}).get("serviceAccountEmail"))]
    if there is None:
        _thing_created(google, key.kind, api, f"{parent}/{all}", path, key.name, body)
    else:
        now = lives.thing_live(google, key.kind, there, lives.is_own(key.kind, there, order.stage, emails))
        _ours(order, now)
        if order.live is not None and order.live.etag != now.etag:
            raise Changed(f"{key.kind} {key.name} was changed meanwhile", hint="run it again")
        if now.body != order.body or now.trouble:
            _thing_changed(google, key.kind, api, path, body, order.body, now)
    there = google.call(api, "GET", path)
    return _ours(order, lives.thing_live(google, key.kind, there, lives.is_own(key.kind, there, order.stage, emails)))


def _thing_created(google: Google, kind: str, api: str, all: str, path: str, name: str, body: Json) -> None:
    if kind == "Subscription":
        created(lambda: google.call(api, "PUT", path, body))
        return
    params = {"triggerId": name} if kind == "Trigger" else None
    answer = created(lambda: google.call(api, "POST", all, body, params))
    if kind == "Trigger" and answer:
        google.ended(api, answer)


def _thing_changed(google: Google, kind: str, api: str, path: str, body: Json, own: Any, now: Live) -> None:
    if now.trouble in ("it is PAUSED", "it is DISABLED") and kind in ("Job", "Queue"):
        google.call(api, "POST", f"{path}:resume", {})
    mask = ",".join(sorted(own))
    if kind == "Subscription":
        google.call(api, "PATCH", path, {"subscription": body, "updateMask": mask})
        return
    if now.etag:
        body = {**body, "etag": now.etag}
    answer = google.call(api, "PATCH", path, body, {"updateMask": mask})
    if kind == "Trigger":
        google.ended(api, answer)


def _remove_thing(google: Google, live: Live) -> None:
    api, all = LISTS[live.key.kind]
    parent = f"projects/{google.project}" if live.key.kind == "Subscription" else google.parent
    answer = found(lambda: google.call(api, "DELETE", f"{parent}/{all}/{live.key.name}"))
    if live.key.kind == "Trigger" and answer:
        google.ended(api, answer)


def _remove_account(google: Google, live: Live) -> None:
    path = f"projects/{google.project}/serviceAccounts/{live.outputs['email']}"
    found(lambda: google.call("iam", "DELETE", path))


def _remove_secret(google: Google, live: Live) -> None:
    """Without a condition: its versions went before it, and changed its mark."""
    path = f"projects/{google.project}/secrets/{live.key.name}"
    found(lambda: google.call("secretmanager", "DELETE", path))


def _remove_version(google: Google, live: Live) -> None:
    name = live.key.name.partition(":")[0]
    path = f"projects/{google.project}/secrets/{name}/versions/{live.outputs['version']}"
    found(lambda: google.call("secretmanager", "POST", f"{path}:destroy", {}))


def _nothing(google: Google, live: Live) -> None:
    """It goes with its function."""


PUT: Mapping[str, Callable[[Google, Order], Live]] = {
    "ServiceAccount": _put_account,
    "Secret": _put_secret,
    "SecretVersion": _put_version,
    "Access": _put_access,
    "Function": deploying.put_function,
    "Deployment": deploying.put_deployment,
    **dict.fromkeys(LISTS, _put_thing),
}
REMOVE: Mapping[str, Callable[[Google, Live], None]] = {
    "ServiceAccount": _remove_account,
    "Secret": _remove_secret,
    "SecretVersion": _remove_version,
    "Access": _remove_access,
    "Function": deploying.remove_function,
    "Deployment": _nothing,
    **dict.fromkeys(LISTS, _remove_thing),
}
