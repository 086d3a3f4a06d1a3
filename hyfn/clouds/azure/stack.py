"""What must be on Azure for one artifact: its storage, its identity, its plan, its app and what runs in it. Pure.

Flex Consumption (https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan) has one app in a plan and no
slots: code, settings and size of an app change in place, when the ship flips.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Sequence
from typing import Any

from hyfn.clouds.azure import pack
from hyfn.errors import ConfigError
from hyfn.resource import Key, Phase, Resource, Wanted, ref

CLOUD = "azure"
ACCOUNT, CONTAINER, IDENTITY, GRANT, PLAN, SITE, RELEASE = (
    "storageAccounts",
    "containers",
    "userAssignedIdentities",
    "roleAssignments",
    "serverfarms",
    "sites",
    "release",
)
BLOB_OWNER = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
"""Storage Blob Data Owner, which the host needs of its storage, on this account alone
(https://learn.microsoft.com/azure/azure-functions/functions-reference#connecting-to-host-storage-with-an-identity)."""
MADE = frozenset(("http", "schedule"))
"""Triggers that need nothing outside of the app."""


def resources(wanted: Wanted) -> Sequence[Resource]:
    """Raises ConfigError where a setting lacks, or Azure could not be told yet what the function says."""
    _check(wanted)
    scope, region, name, party = _scope(wanted), str(wanted.target.options["region"]), wanted.name, wanted.party
    account = Key(CLOUD, scope, ACCOUNT, _account(wanted, scope, region))
    container = Key(CLOUD, scope, CONTAINER, f"{account.name}/{_container(name)}")
    identity, plan, site = (Key(CLOUD, scope, kind, name) for kind in (IDENTITY, PLAN, SITE))
    grant = Key(
        CLOUD, scope, GRANT, f"{account.name}/{uuid.uuid5(uuid.NAMESPACE_URL, f'{scope}/{account.name}/{name}')}"
    )
    granted = {"role": BLOB_OWNER, "principal": ref(identity, "principal")}
    app = {"location": region, "plan": name, "identity": name, "container": container.name}
    app["route"] = pack.function_name(wanted.function)
    storage = {"location": region, "sku": "Standard_LRS", "shared_key": False, "public": False, "tls": "TLS1_2"}
    return [
        Resource(account, Phase.IDENTITY, party, storage),
        Resource(container, Phase.IDENTITY, party, {"public": "None"}, [account]),
        Resource(identity, Phase.IDENTITY, party, {"location": region}),
        Resource(grant, Phase.IDENTITY, party, granted, [account]),
        Resource(plan, Phase.CODE, party, {"location": region, "sku": "FC1"}),
        Resource(site, Phase.CODE, party, app, [plan], is_endpoint=True),
        Resource(Key(CLOUD, scope, RELEASE, name), Phase.FLIP, party, _release(wanted), (), wanted.artifact.path, True),
    ]


def _release(wanted: Wanted) -> dict[str, Any]:
    options = wanted.target.options
    return {
        "code": wanted.artifact.digest,
        "python": str(options.get("python") or pack.PYTHON),
        "memory": int(options.get("memory") or 2048),
        "env": {str(name): str(value) for name, value in (options.get("env") or {}).items()},
    }


def _check(wanted: Wanted) -> None:
    options, place = wanted.target.options, str(wanted.target.place)
    for trigger in wanted.function.triggers:
        if trigger.kind not in MADE:
            said = f"hyfn builds and emulates @on.{trigger.kind} for Azure, and does not ship it yet"
            raise ConfigError(said, where=str(trigger.place))
    for option, example in (("region", "westeurope"), ("resource_group", "my-group")):
        if not options.get(option):
            raise ConfigError(
                f"no {option} is named for {wanted.function.qualname} on Azure",
                where=place,
                hint=f'{option} = "{example}" in [tool.hyfn.azure]',
            )
    if (options.get("auth_level") or pack.AUTH_LEVELS[0]) != "anonymous":
        said = "Azure would ask each caller for a function key, which hyfn does not hand to callers yet"
        raise ConfigError(said, where=place, hint='auth_level="anonymous": hyfn checks each call itself')


def _scope(wanted: Wanted) -> str:
    """subscription/resource group."""
    subscription = os.environ.get("AZURE_SUBSCRIPTION_ID", "")
    if not re.fullmatch(r"[0-9a-fA-F-]{36}", subscription):
        raise ConfigError(
            "no subscription of Azure is named", hint="AZURE_SUBSCRIPTION_ID=…, as `az account show` has it"
        )
    return f"{subscription.lower()}/{wanted.target.options['resource_group']}"


def _account(wanted: Wanted, scope: str, region: str) -> str:
    """3 to 24 lower-case letters and digits, and nobody's else in the world."""
    text = "\0".join((wanted.stage.app, wanted.stage.name, scope, region))
    return f"hyfn{hashlib.sha256(text.encode()).hexdigest()[:20]}"


def _container(name: str) -> str:
    """3 to 63 lower-case letters, digits and single hyphens."""
    return f"app-{re.sub('-+', '-', name.lower())}"[:63].strip("-")
