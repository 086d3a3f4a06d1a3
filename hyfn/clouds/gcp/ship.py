"""Shipping to Google Cloud: of each function its account, its secret, the function, who may call it and what wakes it.

A function is changed in place, in FLIP, and Cloud Run moves its traffic when the new revision is ready. The API of
functions has no version without traffic; one could be had by changing the Cloud Run service beneath, which Google
advises against, since the function's own record then says otherwise. So there is nothing to probe before the flip: a
revision that does not start gets no traffic, and the old one serves on. The address must be known before: in CODE a new
function is made of a few lines that refuse every call, and the user's code comes in FLIP.

The wiring is a version in Secret Manager, pinned by its number and mounted as a file; older ones go after the flip.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hyfn.clouds.gcp import live, made
from hyfn.clouds.gcp.control import Google, project_of, region_of
from hyfn.clouds.gcp.live import ACCESSOR, CLOUD, INVOKER, PUBLIC, RECEIVER, account, address
from hyfn.clouds.gcp.pack import packer
from hyfn.errors import MachineError
from hyfn.resource import Key, Live, Order, Phase, Resource, Stage, Wanted, ref

AT_ONCE = 8
GROUPS = {"jobs": "Job", "triggers": "Trigger", "queues": "Queue", "subscriptions": "Subscription"}


class GcpShipper:
    """See hyfn.cloud.Shipper. `pause` is the first between two looks at what Google is doing, in seconds."""

    def __init__(self, pause: float = 0.5) -> None:
        self.pause = pause

    def resources(self, wanted: Wanted) -> Sequence[Resource]:
        return list(_Own(wanted).resources())

    def observe(self, stage: Stage, keys: Collection[Key]) -> Iterable[Live]:
        for scope in sorted({key.scope for key in keys}):
            with _google(scope, self.pause) as google, ThreadPoolExecutor(AT_ONCE, "hyfn-gcp") as pool:
                yield from live.observed(google, stage, [key for key in keys if key.scope == scope], pool)

    def put(self, order: Order) -> Live:
        with _google(order.resource.key.scope, self.pause) as google:
            return made.PUT[order.resource.key.kind](google, order)

    def remove(self, live: Live) -> None:
        with _google(live.key.scope, self.pause) as google:
            made.REMOVE[live.key.kind](google, live)


def _google(scope: str, pause: float) -> Google:
    try:
        from google.cloud import functions_v2
    except ImportError as error:
        said = "shipping to Google Cloud needs google-cloud-functions"
        raise MachineError(said, hint="pip install 'hyfn[gcp]'") from error
    return Google(scope, functions_v2, pause)


class _Own:
    """What one artifact is to have."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.project, self.region = project_of(wanted.target.options), region_of(wanted.target.options)
        self.scope = f"{self.project}/{self.region}"
        self.account = account(wanted.name)
        self.email = address(wanted.name, self.project)

    def key(self, kind: str, name: str) -> Key:
        return Key(CLOUD, self.scope, kind, name)

    def of(self, key: Key, phase: Phase, body: dict[str, Any], needs: Sequence[Key] = (), **more: Any) -> Resource:
        return Resource(key, phase, self.wanted.party, body, needs, **more)

    def resources(self) -> Iterator[Resource]:
        name = self.wanted.name
        who, secret = self.key("ServiceAccount", self.account), self.key("Secret", name)
        version = self.key("SecretVersion", name)
        yield self.of(who, Phase.IDENTITY, {"displayName": name, "email": self.email})
        yield self.of(secret, Phase.IDENTITY, {"region": self.region})
        yield self.access(Phase.CODE, f"secret/{name}", ACCESSOR)
        yield self.of(version, Phase.WIRING, {"secret": name}, is_wired=True)
        manifest = packer.manifest(self.wanted.function, self.wanted.target, name, "")
        for each, function in manifest["functions"].items():
            at = self.key("Function", each)
            first = {"environment": "GEN_2", "account": self.email}
            yield self.of(at, Phase.CODE, first, is_endpoint=each == name)
            flip = self._deployment(function, version)
            yield self.of(self.key("Deployment", each), Phase.FLIP, flip, [at], file=self.wanted.artifact.path)
        yield from self._callers()
        yield from self._waking(manifest)

    def _deployment(self, function: dict[str, Any], version: Key) -> dict[str, Any]:
        """What the function is to be, with the artifact by its digest."""
        service = {"ingressSettings": "ALLOW_ALL", "environmentVariables": {}, **function["serviceConfig"]}
        service["serviceAccountEmail"] = self.email
        code = self.wanted.artifact.digest.rpartition(":")[2]
        return {
            "artifact": f"sha256:{code[: live.CODE_DIGITS]}",
            "build": function["buildConfig"],
            "service": service,
            "secret": {"name": self.wanted.name, "version": ref(version, "version")},
        }

    def _callers(self) -> Iterator[Resource]:
        """A permission for each edge, made by its caller; and everybody's, since hyfn's callers have no identity token
        of Google's yet: until then its own keys alone say who may."""
        yield self.access(Phase.WIRING, f"service/{self.wanted.name}", INVOKER, PUBLIC)
        for callee in self.wanted.near:
            options = callee.target.options
            scope = f"{project_of(options)}/{region_of(options)}"
            yield self.access(Phase.WIRING, f"service/{callee.name}", INVOKER, scope=scope)

    def access(self, phase: Phase, on: str, role: str, who: str = "", scope: str = "") -> Resource:
        """That somebody, or the function's account, has a role on a thing."""
        member = who or f"serviceAccount:{self.email}"
        key = Key(CLOUD, scope or self.scope, "Access", f"{on} {role} {member}")
        needs = [self.key("Secret", self.wanted.name)] if on.startswith("secret/") else []
        return self.of(key, phase, {"role": role, "member": member}, needs)

    def _waking(self, manifest: Mapping[str, Any]) -> Iterator[Resource]:
        """What wakes the second function, and the permission to do so, which is its own account's."""
        private = next((each for each in manifest["functions"] if each != self.wanted.name), "")
        if private:
            yield self.access(Phase.WIRING, f"service/{private}", INVOKER)
        if "triggers" in manifest:
            yield self.access(Phase.WIRING, f"project/{self.project}", RECEIVER)
        at = self.key("Function", private)
        for group, kind in GROUPS.items():
            for id, body in manifest.get(group, {}).items():
                own = {name: self._filled(value, at) for name, value in body.items() if name != "name"}
                if kind == "Trigger":
                    own["eventFilters"] = sorted(own["eventFilters"], key=lambda one: str(one["attribute"]))
                yield self.of(self.key(kind, id), Phase.TRIGGER, own)

    def _filled(self, value: Any, at: Key) -> Any:
        if isinstance(value, dict):
            return {name: self._filled(each, at) for name, each in value.items()}
        if isinstance(value, list):
            return [self._filled(each, at) for each in value]
        if value in ("${EVENTS}", "${EVENTS_HOST}"):
            return ref(at, "url" if value == "${EVENTS}" else "host")
        if isinstance(value, str):
            known = {"PROJECT": self.project, "LOCATION": self.region, "ACCOUNT": self.email}
            for name, given in known.items():
                value = value.replace(f"${{{name}}}", given)
        return value


shipper = GcpShipper()
