"""The journeys on a developer's machine: read, check and build a project. Never imports user code."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hyfn.pack.units import Unit as Unit  # the journeys speak of them
from hyfn.pack.units import units as units
from hyfn.project.building import Built as Built
from hyfn.project.building import Wishes as Wishes
from hyfn.project.building import build as build
from hyfn.project.platforms import packer as packer
from hyfn.project.platforms import runtime as runtime
from hyfn.project.platforms import served as served
from hyfn.project.platforms import served_by as served_by
from hyfn.project.reading import check as check
from hyfn.project.reading import no_function as no_function
from hyfn.project.reading import read as read

if TYPE_CHECKING:
    from hyfn.project.explaining import explain as explain
    from hyfn.project.making import unpack as unpack
    from hyfn.project.pushing import push as push

_LATER = {"explain": "explaining", "push": "pushing", "unpack": "making"}
"""What most builds do not need, by its module: loaded when it is first used."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
