"""Shipping to Azure, by its REST interfaces and azure-identity: what is wanted is in stack.py.

Wiring is an app setting, which Azure encrypts at rest; whoever may list the app's settings can read it. A reference to
Key Vault is a later step. A site has no condition on writing that ARM keeps: it is read again right before a change.

Versions and forms: https://learn.microsoft.com/azure/templates/microsoft.web/sites, .../microsoft.web/serverfarms,
.../microsoft.storage/storageaccounts, .../microsoft.managedidentity/userassignedidentities and
.../microsoft.authorization/roleassignments. ARM takes a ":" in a tag's name
(https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources#limitations). Containers and role
assignments have no tags: metadata and a description say whose they are. Not tried on Azure.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import quote

from hyfn.clouds.azure import stack
from hyfn.clouds.azure.arm import FIRST, Arm
from hyfn.clouds.azure.stack import ACCOUNT, CLOUD, CONTAINER, GRANT, IDENTITY, PLAN, RELEASE, SITE
from hyfn.errors import Changed, MachineError, ShipError
from hyfn.resource import Key, Live, Order, Resource, Stage, Wanted
from hyfn.wiring import compact

ENDPOINT = "https://management.azure.com"
ENDPOINT_VARIABLE = "HYFN_AZURE_ENDPOINT"
"""ARM's of a sovereign cloud; its authority is azure-identity's own AZURE_AUTHORITY_HOST."""
STORAGE, WEB, IDENTITIES, GRANTS, LISTS = "2023-05-01", "2024-04-01", "2023-01-31", "2022-04-01", "2021-04-01"
TYPES = {
    ACCOUNT: ("Microsoft.Storage/storageAccounts", STORAGE),
    IDENTITY: ("Microsoft.ManagedIdentity/userAssignedIdentities", IDENTITIES),
    PLAN: ("Microsoft.Web/serverfarms", WEB),
    SITE: ("Microsoft.Web/sites", WEB),
}
ROUTE = "hyfn:route"
MARK, WIRING = "HYFN_RELEASE", "HYFN_WIRING"
OWN = (MARK, WIRING)
BASE = "AzureWebJobsStorage__"
FIRST_RUNTIME = {"runtime": {"name": "python", "version": "3.13"}}
FIRST_SCALE = {"scaleAndConcurrency": {"instanceMemoryMB": 2048, "maximumInstanceCount": 100}}
"""Of an app without code: the release says its own."""

Json = dict[str, Any]


class AzureShipper:
    """See hyfn.cloud.Shipper. `token` and `scm` are those of Azure unless a test has its own."""

    def __init__(
        self,
        token: Callable[[], str] | None = None,
        scm: Callable[[str], str] = lambda host: f"https://{host}",
        first: float = FIRST,
    ) -> None:
        self._token, self._scm, self._first = token, scm, first
        self._arms: dict[str, Arm] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """End its connections."""
        for arm in self._arms.values():
            arm.close()

    def resources(self, wanted: Wanted) -> Sequence[Resource]:
        return stack.resources(wanted)

    def observe(self, stage: Stage, keys: Collection[Key]) -> Iterable[Live]:
        arm = self._arm()
        for scope in sorted({key.scope for key in keys}):
            wanted = {key for key in keys if key.scope == scope} | set(self._tagged(arm, scope, stage))
            for key in sorted(wanted):
                if (live := self._live(arm, key, stage)) is not None:
                    yield live

    def put(self, order: Order) -> Live:
        arm, key = self._arm(), order.resource.key
        now = self._live(arm, key, order.stage)
        if now is not None and not now.is_ours:
            raise ShipError(f"{key.kind} {key.name} is there already, and is not of this app and stage")
        if order.live is not None and (now is None or now.body not in (order.live.body, order.body)):
            raise Changed(f"{key.kind} {key.name} was changed meanwhile", hint="run it again")
        if key.kind == RELEASE:
            self._release(arm, order)
        else:
            method = "PATCH" if key.kind == SITE and now is not None else "PUT"
            arm.write(method, _path(key), _version(key), _stated(order))
        arm.until(lambda: self._live(arm, key, order.stage) is not None, f"the making of {key.kind} {key.name}")
        live = self._live(arm, key, order.stage)
        if live is None:
            raise Changed(f"{key.kind} {key.name} is gone again", hint="run it again")
        return live

    def remove(self, live: Live) -> None:
        """A release goes with its app."""
        if live.key.kind != RELEASE:
            self._arm().delete(_path(live.key), _version(live.key))

    def _arm(self) -> Arm:
        endpoint = os.environ.get(ENDPOINT_VARIABLE) or ENDPOINT
        with self._lock:
            if endpoint not in self._arms:
                self._arms[endpoint] = Arm(endpoint, self._token or (lambda: _token(endpoint)), self._first)
            return self._arms[endpoint]

    def _live(self, arm: Arm, key: Key, stage: Stage) -> Live | None:
        found = arm.read(_path(key), _version(key))
        if found is None or _state(found) not in ("", "succeeded", "failed", "canceled"):
            return None
        if key.kind == RELEASE:
            return self._released(arm, key, found, stage)
        trouble = "" if _state(found) in ("", "succeeded") else f"Azure says {_state(found)}"
        return Live(key, _body(key, found), _outputs(key, found), "", _is_ours(key, found, stage), trouble)

    def _released(self, arm: Arm, key: Key, site: Json, stage: Stage) -> Live | None:
        if not _is_ours(key, site, stage):
            return None
        settings = _settings(arm, key)
        if MARK not in settings:
            return None
        config = site["properties"].get("functionAppConfig") or {}
        env = {name: value for name, value in settings.items() if name not in OWN and not name.startswith(BASE)}
        body = {
            **json.loads(settings[MARK]),
            "python": (config.get("runtime") or {}).get("version"),
            "memory": (config.get("scaleAndConcurrency") or {}).get("instanceMemoryMB"),
            "env": env,
        }
        return Live(key, body, {}, "", True, "" if WIRING in settings else "it has no wiring")

    def _release(self, arm: Arm, order: Order) -> None:
        """The mark is written last: a release without it is made again. Until then new code has the older wiring."""
        key, body, file = order.resource.key, order.body, order.resource.file
        site = arm.read(_path(key), WEB)
        if site is None or not _is_ours(key, site, order.stage) or file is None:
            raise ShipError(f"the app {key.name} of this app and stage is not there", hint="run it again")
        config = dict(site["properties"]["functionAppConfig"])
        config["runtime"] = {"name": "python", "version": body["python"]}
        config["scaleAndConcurrency"] = {**config["scaleAndConcurrency"], "instanceMemoryMB": body["memory"]}
        arm.write("PATCH", _path(key), WEB, {"properties": {"functionAppConfig": config}})
        hosts = site["properties"].get("hostNameSslStates") or []
        host = next((each["name"] for each in hosts if each.get("hostType") == "Repository"), "")
        if not host:
            raise ShipError(f"Azure names no deployment site of {key.name}")
        arm.publish(self._scm(host), file.read_bytes())
        base = {name: value for name, value in _settings(arm, key).items() if name.startswith(BASE)}
        mark = json.dumps({name: value for name, value in body.items() if name not in ("python", "memory", "env")})
        own = {WIRING: compact(json.dumps(order.wiring)), MARK: mark}
        arm.write("PUT", f"{_path(key)}/config/appsettings", WEB, {"properties": {**base, **body["env"], **own}})

    def _tagged(self, arm: Arm, scope: str, stage: Stage) -> Iterator[Key]:
        """What has the stage's tags, and what is there with it."""
        text = f"tagName eq 'hyfn:app' and tagValue eq '{stage.app}'"
        kinds = {kind.lower(): name for name, (kind, _) in TYPES.items()}
        for each in arm.listed(f"{_group(scope)}/resources?$filter={quote(text)}", LISTS):
            kind = kinds.get(each["type"].lower())
            if kind is None or not stage.tags.items() <= (each.get("tags") or {}).items():
                continue
            key = Key(CLOUD, scope, kind, each["name"])
            yield key
            if kind == SITE:
                yield Key(CLOUD, scope, RELEASE, key.name)
            if kind == ACCOUNT:
                yield from _inside(arm, key, stage)


shipper = AzureShipper()


@cache
def _credential() -> Any:
    try:
        from azure.identity import DefaultAzureCredential
    except ImportError as error:
        said = "shipping to Azure needs the package azure-identity"
        raise MachineError(said, hint="pip install 'hyfn[azure]'") from error
    return DefaultAzureCredential()


def _token(endpoint: str) -> str:
    from azure.core.exceptions import ClientAuthenticationError

    try:
        return str(_credential().get_token(f"{endpoint.rstrip('/')}/.default").token)
    except ClientAuthenticationError as error:
        raise MachineError("Azure knows no credentials of yours here", hint="az login, or AZURE_CLIENT_ID …") from error


def _group(scope: str) -> str:
    subscription, _, group = scope.partition("/")
    return f"/subscriptions/{subscription}/resourceGroups/{group}"


def _path(key: Key) -> str:
    if key.kind in (CONTAINER, GRANT):
        account, _, name = key.name.partition("/")
        inside = "/blobServices/default/containers/" if key.kind == CONTAINER else f"/providers/{_GRANTS}/"
        return f"{_group(key.scope)}/providers/{TYPES[ACCOUNT][0]}/{account}{inside}{name}"
    return f"{_group(key.scope)}/providers/{TYPES[SITE if key.kind == RELEASE else key.kind][0]}/{key.name}"


_GRANTS = "Microsoft.Authorization/roleAssignments"


def _version(key: Key) -> str:
    others = {CONTAINER: STORAGE, GRANT: GRANTS, RELEASE: WEB}
    return others.get(key.kind) or TYPES[key.kind][1]


def _inside(arm: Arm, account: Key, stage: Stage) -> Iterator[Key]:
    own = _path(account)
    for each in arm.listed(f"{own}/blobServices/default/containers", STORAGE):
        yield Key(CLOUD, account.scope, CONTAINER, f"{account.name}/{each['name']}")
    for each in arm.listed(f"{own}/providers/{_GRANTS}?$filter=atScope()", GRANTS):
        if (each["properties"].get("description") or "") == _words(stage):
            yield Key(CLOUD, account.scope, GRANT, f"{account.name}/{each['name']}")


def _settings(arm: Arm, key: Key) -> dict[str, str]:
    return dict(arm.write("POST", f"{_path(key)}/config/appsettings/list", WEB, {}).get("properties") or {})


def _state(found: Mapping[str, Any]) -> str:
    return str((found.get("properties") or {}).get("provisioningState") or "").lower()


def _words(stage: Stage) -> str:
    return f"hyfn:app={stage.app} hyfn:stage={stage.name}"


def _metadata(stage: Stage) -> dict[str, str]:
    return {name.replace(":", "_"): value for name, value in stage.tags.items()}


def _is_ours(key: Key, found: Json, stage: Stage) -> bool:
    if key.kind == GRANT:
        return bool(found["properties"].get("description") == _words(stage))
    if key.kind == CONTAINER:
        return _metadata(stage).items() <= (found["properties"].get("metadata") or {}).items()
    return stage.tags.items() <= (found.get("tags") or {}).items()


def _last(id: object) -> str:
    return str(id).rpartition("/")[2]


def _place(found: Json) -> str:
    """ "West Europe" is westeurope."""
    return str(found.get("location", "")).replace(" ", "").lower()


def _body(key: Key, found: Json) -> Json:
    """In the form in which stack.py wants it."""
    said = found.get("properties") or {}
    if key.kind == CONTAINER:
        return {"public": said.get("publicAccess") or "None"}
    if key.kind == GRANT:
        return {"role": _last(said["roleDefinitionId"]), "principal": said["principalId"]}
    body: Json = {"location": _place(found)}
    if key.kind == ACCOUNT:
        shared, public = said.get("allowSharedKeyAccess", True), said.get("allowBlobPublicAccess", False)
        body |= {"shared_key": shared, "public": public, "tls": said.get("minimumTlsVersion")}
    if key.kind in (ACCOUNT, PLAN):
        body["sku"] = (found.get("sku") or {}).get("name")
    return {**body, **_app(found, said)} if key.kind == SITE else body


def _app(found: Json, said: Json) -> Json:
    storage = ((said.get("functionAppConfig") or {}).get("deployment") or {}).get("storage") or {}
    host, _, container = str(storage.get("value", "")).partition("://")[2].partition("/")
    identities = (found.get("identity") or {}).get("userAssignedIdentities") or {}
    return {
        "plan": _last(said.get("serverFarmId", "")),
        "identity": " ".join(sorted(map(_last, identities))),
        "container": f"{host.partition('.')[0]}/{container}",
        "route": (found.get("tags") or {}).get(ROUTE, ""),
    }


def _outputs(key: Key, found: Json) -> dict[str, str]:
    said = found.get("properties") or {}
    if key.kind == IDENTITY:
        return {"principal": said["principalId"], "client": said["clientId"]}
    if key.kind == SITE:
        route = (found.get("tags") or {}).get(ROUTE, "")
        return {"url": f"https://{said['defaultHostName']}/api/{route}", "door": ""}
    return {}


def _stated(order: Order) -> Json:
    """The body of the request."""
    key, body, stage = order.resource.key, order.body, order.stage
    if key.kind == CONTAINER:
        return {"properties": {"publicAccess": body["public"], "metadata": _metadata(stage)}}
    if key.kind == GRANT:
        role = f"{_group(key.scope).partition('/resourceGroups')[0]}/providers/Microsoft.Authorization/roleDefinitions/"
        said = {"roleDefinitionId": role + body["role"], "principalId": body["principal"]}
        return {"properties": {**said, "principalType": "ServicePrincipal", "description": _words(stage)}}
    common = {"location": body["location"], "tags": stage.tags}
    if key.kind == ACCOUNT:
        properties = {
            "allowSharedKeyAccess": body["shared_key"],
            "allowBlobPublicAccess": body["public"],
            "minimumTlsVersion": body["tls"],
            "supportsHttpsTrafficOnly": True,
        }
        return {**common, "kind": "StorageV2", "sku": {"name": body["sku"]}, "properties": properties}
    if key.kind == PLAN:
        sku = {"name": body["sku"], "tier": "FlexConsumption"}
        return {**common, "kind": "functionapp", "sku": sku, "properties": {"reserved": True}}
    return _site(order, common) if key.kind == SITE else common


def _site(order: Order, common: Json) -> Json:
    scope, body = order.resource.key.scope, order.body
    identity = _path(Key(CLOUD, scope, IDENTITY, body["identity"]))
    account, _, container = body["container"].partition("/")
    access = {"type": "UserAssignedIdentity", "userAssignedIdentityResourceId": identity}
    storage = {"type": "blobContainer", "value": f"https://{account}.blob.core.windows.net/{container}"}
    properties: Json = {"serverFarmId": _path(Key(CLOUD, scope, PLAN, body["plan"])), "httpsOnly": True}
    if order.live is None:
        deployment = {"deployment": {"storage": {**storage, "authentication": access}}}
        properties["functionAppConfig"] = {**deployment, **FIRST_RUNTIME, **FIRST_SCALE}
        settings = {"accountName": account, "credential": "managedidentity", "managedIdentityResourceId": identity}
        named = [{"name": f"{BASE}{name}", "value": value} for name, value in settings.items()]
        properties["siteConfig"] = {"appSettings": named}
    tags = {**common["tags"], ROUTE: body["route"]}
    owned = {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}}
    more = {} if order.live is not None else {"kind": "functionapp,linux", "location": common["location"]}
    return {**more, "tags": tags, "identity": owned, "properties": properties}
