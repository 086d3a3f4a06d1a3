"""One Python application whose functions live on several serverless platforms. The public names, nothing else."""

from __future__ import annotations

__version__ = "0.1.0"

__all__ = [
    "AsyncFunction",
    "Blob",
    "BuildError",
    "Call",
    "CallError",
    "ConfigError",
    "ContractMismatch",
    "DeadlineExceeded",
    "Event",
    "Forbidden",
    "Function",
    "HyfnError",
    "InProgress",
    "Internal",
    "MachineError",
    "Malformed",
    "Mapped",
    "NoSuchFunction",
    "NotShipped",
    "OutcomeUnknown",
    "Overloaded",
    "PartialFailure",
    "ProjectError",
    "RateLimited",
    "RemoteError",
    "Replay",
    "Request",
    "Response",
    "SourceError",
    "TooLarge",
    "Unauthenticated",
    "Unavailable",
    "UnsupportedEncoding",
    "alibaba",
    "aws",
    "azure",
    "fn",
    "gcp",
    "ibm",
    "knative",
    "kubernetes",
    "local",
    "on",
    "openshift",
    "openwhisk",
    "oracle",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hyfn import on
    from hyfn.clouds.alibaba import alibaba
    from hyfn.clouds.aws import aws
    from hyfn.clouds.azure import azure
    from hyfn.clouds.fn import fn, oracle
    from hyfn.clouds.gcp import gcp
    from hyfn.clouds.knative import knative, openshift
    from hyfn.clouds.kubernetes import kubernetes
    from hyfn.clouds.local import local
    from hyfn.clouds.openwhisk import ibm, openwhisk
    from hyfn.declare import AsyncFunction, Call, Function, Mapped
    from hyfn.errors import (
        BuildError,
        CallError,
        ConfigError,
        ContractMismatch,
        DeadlineExceeded,
        Forbidden,
        HyfnError,
        InProgress,
        Internal,
        MachineError,
        Malformed,
        NoSuchFunction,
        NotShipped,
        OutcomeUnknown,
        Overloaded,
        PartialFailure,
        ProjectError,
        RateLimited,
        RemoteError,
        Replay,
        SourceError,
        TooLarge,
        Unauthenticated,
        Unavailable,
        UnsupportedEncoding,
    )
    from hyfn.event import Blob, Event
    from hyfn.request import Request, Response
else:

    def __getattr__(name: str) -> object:
        """A public name is loaded when it is first asked for: a cold start pays for what it uses.

        Checkers do not see this function: to them an unknown name is an error.
        """
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = _class(name) if name[0].isupper() else _module(name) or _decorator(name)
        globals()[name] = found
        return found

    def _class(name: str) -> object:
        from importlib import import_module

        homes = _HOMES.get(name, ("hyfn.declare", "hyfn.errors"))
        return next(found for home in homes if (found := getattr(import_module(home), name, None)) is not None)

    _HOMES = {
        "Blob": ("hyfn.event",),
        "Event": ("hyfn.event",),
        "Request": ("hyfn.request",),
        "Response": ("hyfn.request",),
    }

    def _module(name: str) -> object | None:
        from importlib import import_module

        return import_module("hyfn.on") if name == "on" else None

    def _decorator(name: str) -> object:
        """From the cloud's folder of that name, else from the one whose source gives a platform that name: importing
        every folder on the way would cost a cold start more than reading does."""
        from importlib import import_module
        from os import listdir

        clouds = f"{__path__[0]}/clouds"
        folders = [entry for entry in listdir(clouds) if not entry.startswith("_")]  # noqa: PTH208  (pathlib: 5 ms)
        if name in folders:
            return getattr(import_module(f"hyfn.clouds.{name}"), name)
        for folder in folders:
            with open(f"{clouds}/{folder}/__init__.py", encoding="utf-8") as source:  # noqa: PTH123
                if f"\n{name} = " in source.read():
                    return getattr(import_module(f"hyfn.clouds.{folder}"), name)
        raise AttributeError(f"no folder of hyfn.clouds here has the platform {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
