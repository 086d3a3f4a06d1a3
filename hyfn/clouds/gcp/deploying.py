"""Deploying a function in place: first one that refuses every call, for its address, then the user's."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import Any

from hyfn.clouds.gcp import live as lives
from hyfn.clouds.gcp.control import Google, Refused, found
from hyfn.clouds.gcp.live import CODE, FILE, LIVE, MOUNT, WIRING, labels
from hyfn.clouds.gcp.pack import DEFAULT_PYTHON, FRAMEWORK, TARGET
from hyfn.errors import Changed, ShipError
from hyfn.resource import Live, Order

Json = dict[str, Any]
FIRST = f"python{DEFAULT_PYTHON.replace('.', '')}"


def taken(order: Order) -> ShipError:
    key = order.resource.key
    return ShipError(
        f"{key.kind} {key.name} is there already, and is not of this app and stage",
        hint="remove it, or give the function another name=",
    )


def created(create: Callable[[], Any]) -> Any:
    """None where it is there already: an answer may have been lost."""
    try:
        return create()
    except Refused as error:
        if error.status == 409:
            return None
        raise


def _path(google: Google, order: Order) -> str:
    return f"{google.parent}/functions/{order.resource.key.name}"


def _source(google: Google, content: bytes) -> Json:
    given = google.functions("generate_upload_url", {"parent": google.parent, "environment": "GEN_2"})
    google.upload(given["uploadUrl"], content)
    return {"storageSource": given["storageSource"]}


def _settled(google: Google, path: str) -> Json | None:
    """The function as soon as nothing is under way, None where there is none."""

    def look() -> tuple[Json | None] | None:
        now = found(lambda: google.functions("get_function", {"name": path}))
        return None if now and now.get("state") in ("DEPLOYING", "DELETING") else (now,)

    return google.until(look, f"what is under way at {path.rpartition('/')[2]}")[0]  # type: ignore[no-any-return]


def put_function(google: Google, order: Order) -> Live:
    """Made without the user's code: it has an address, and refuses all calls until the flip."""
    path = _path(google, order)
    now = _settled(google, path)
    if now is not None and not lives.has_labels(now, order.stage):
        raise taken(order)
    if now is not None and not (now.get("serviceConfig") or {}).get("uri"):
        _remove_path(google, path)  # it never came up
        now = None
    if now is None:
        plain = _plain(google, order)
        request = {"parent": google.parent, "functionId": order.resource.key.name, "function": plain}
        operation = created(lambda: google.functions("create_function", request))
        if operation:
            google.ended("cloudfunctions", operation)
        now = _settled(google, path)
    return _read(google, order, now, "Function")


def _plain(google: Google, order: Order) -> Json:
    build = {"runtime": FIRST, "entryPoint": TARGET, "source": _source(google, _nobody())}
    return {
        "name": _path(google, order),
        "environment": "GEN_2",
        "labels": labels(order.stage),
        "buildConfig": build,
        "serviceConfig": {"ingressSettings": "ALLOW_INTERNAL_ONLY", "serviceAccountEmail": order.body["account"]},
    }


def _nobody() -> bytes:
    """The source of a function that refuses every call."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("main.py", f"def {TARGET}(request):\n    return b'', 503\n")
        archive.writestr("requirements.txt", f"{FRAMEWORK}\n")
    return made.getvalue()


def put_deployment(google: Google, order: Order) -> Live:
    path = _path(google, order)
    now = _settled(google, path)
    if now is None:
        raise Changed(f"the function {order.resource.key.name} is gone", hint="run it again")
    if not lives.has_labels(now, order.stage):
        raise taken(order)
    if order.live is not None and order.live.etag != now.get("updateTime"):
        raise Changed(f"the function {order.resource.key.name} was changed meanwhile", hint="run it again")
    has_same = bool((now.get("labels") or {}).get(LIVE)) and lives.deployed(now) == order.body
    if not has_same or now.get("state") != "ACTIVE":
        request = _update(google, order, now, path)
        google.ended("cloudfunctions", google.functions("update_function", request))
        now = _settled(google, path)
    return _read(google, order, now, "Deployment")


def _update(google: Google, order: Order, now: Json, path: str) -> Json:
    """Google's API has no condition for it: that nothing changed was seen just before."""
    body = order.body
    if order.resource.file is None:
        raise ShipError(f"the code of {order.resource.key.name} is not there", hint="build it again")
    volume = {
        "mountPath": MOUNT,
        "projectId": google.project,
        "secret": body["secret"]["name"],
        "versions": [{"version": body["secret"]["version"], "path": FILE}],
    }
    variables = {**body["service"]["environmentVariables"], **WIRING}
    service = {
        **body["service"],
        "environmentVariables": variables,
        "secretVolumes": [volume],
        "allTrafficOnLatestRevision": True,
    }
    code = body["artifact"].partition(":")[2]
    tags = {**(now.get("labels") or {}), **labels(order.stage), CODE: code, LIVE: "yes"}
    build = {**body["build"], "source": _source(google, order.resource.file.read_bytes())}
    function = {"name": path, "labels": tags, "buildConfig": build, "serviceConfig": service}
    return {"function": function, "updateMask": "buildConfig,serviceConfig,labels"}


def _read(google: Google, order: Order, now: Json | None, kind: str) -> Live:
    name = order.resource.key.name
    if now is None:
        raise Changed(f"the function {name} is gone again", hint="run it again")
    found = {one.key.kind: one for one in lives.function_lives(google, now, order.stage)}
    if kind not in found or found[kind].trouble:
        words = found[kind].trouble if kind in found else f"it is {now.get('state')}"
        raise ShipError(f"the function {name} did not come up: {words}", hint="see its build's log")
    return found[kind]


def _remove_path(google: Google, path: str) -> None:
    if _settled(google, path) is None:
        return
    operation = found(lambda: google.functions("delete_function", {"name": path}))
    if operation:
        google.ended("cloudfunctions", operation)


def remove_function(google: Google, live: Live) -> None:
    _remove_path(google, f"{google.parent}/functions/{live.key.name}")
