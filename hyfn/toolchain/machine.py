"""This machine's processor and C library."""

from __future__ import annotations

import os
from dataclasses import replace

from hyfn.model import Runtime


def native(runtime: Runtime) -> Runtime:
    """`runtime` as far as this machine can be it: its Python, on this processor, with a C library that is here."""
    return replace(runtime, machine=os.uname().machine, glibc=min(runtime.glibc, _glibc(runtime.glibc), key=_parts))


def _glibc(unknown: str) -> str:
    """The C library's version, "2.36". `unknown` where it is no glibc."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (ValueError, OSError):
        return unknown
    return version if name == "glibc" else unknown


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
