"""Where the files are that a lock names only by their hashes: uv is asked, so that its configuration holds."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from hyfn.errors import BuildError, MachineError
from hyfn.model import Runtime, Wheel
from hyfn.pack.wheels import sources
from hyfn.toolchain import cache, scratch, uv

OFFLINE = "network was disabled"
"""What uv says where it may only read its cache, which does not hold what it needs."""

File = Mapping[str, Any]


def locate(
    wheels: Sequence[Wheel], runtime: Runtime, root: Path | None, table: Mapping[str, Any] | None = None
) -> list[Wheel]:
    """`wheels` in their order, each with its URL (http, https or file), and with its size where the index tells.

    `table` is the project's [tool.uv]: its sources say which index has what.

    Asks uv once, for every file of those versions: it would rather choose among them than find the locked one. Only
    the indexes' pages are read. BuildError for a file that is gone or has other bytes, MachineError without network.
    """
    lacking = [wheel for wheel in wheels if not wheel.url]
    files = _files(lacking, runtime, root or cache.home(), table or {}) if lacking else {}
    return [wheel if wheel.url else _found(wheel, files.get(wheel.name, [])) for wheel in wheels]


def _files(wheels: Sequence[Wheel], runtime: Runtime, root: Path, table: Mapping[str, Any]) -> dict[str, list[File]]:
    packages = tomllib.loads(_ask(wheels, runtime, root, table)).get("packages", [])
    return {canonicalize_name(str(one["name"])): list(_of_package(one)) for one in packages}


def _ask(wheels: Sequence[Wheel], runtime: Runtime, root: Path, table: Mapping[str, Any]) -> str:
    # Universal: the files for every platform, where a platform would be given the one that uv thinks best for it.
    command = ["--quiet", "--no-header", "--no-deps", "--universal", "--format", "pylock.toml"]
    pins = [f"{wheel.name}=={wheel.version}" for wheel in wheels]
    try:
        with scratch.folder("hyfn-locate-") as folder:
            project = folder / "pyproject.toml"
            project.write_text(sources.document(pins, table, root))
            python = ["--python", sys.executable, "--python-version", runtime.python]
            return uv.run(["pip", "compile", project, *command, *python], cwd=root)
    except uv.UvError as error:
        if isinstance(error, uv.Unreachable) or OFFLINE in error.output:
            raise away(wheels, _last_cause(error.output)) from error
        reason = uv.reason(error.output)
        named = [wheel for wheel in wheels if wheel.name in reason]
        hint = f"lock anew with --upgrade {named[0].name}" if named else None
        raise BuildError(f"not every locked file can be found: {reason}", hint=hint) from error


def _last_cause(output: str) -> str:
    causes = re.findall(r"cause: (.+)", output)
    return "uv is set to be offline" if OFFLINE in output else causes[-1] if causes else uv.tail(output, 1)


def away(wheels: Sequence[Wheel], reason: str) -> MachineError:
    """The error for files that are not in the cache while no index can be asked for them."""
    names = ", ".join(wheel.file for wheel in wheels[:3]) + (", …" if len(wheels) > 3 else "")
    count = f"{len(wheels)} files are" if len(wheels) > 1 else "1 file is"
    return MachineError(f"{count} not in the cache and cannot be fetched: {names}", hint=reason)


def _of_package(package: Mapping[str, Any]) -> Iterator[File]:
    yield from package.get("wheels", [])
    yield from (package[kind] for kind in ("sdist", "archive") if kind in package)


def _found(wheel: Wheel, files: Sequence[File]) -> Wheel:
    for file in files:
        if file.get("hashes", {}).get("sha256") == wheel.sha256:
            return replace(wheel, url=_url(file), size=wheel.size or int(file.get("size", 0)))
    hint = f"lock it anew with --upgrade {wheel.name}"
    same = [file for file in files if _name(file) == wheel.file]
    if not same:
        raise BuildError(f"{wheel.file} of {wheel.name} {wheel.version} is no longer in the index", hint=hint)
    if "sha256" in same[0].get("hashes", {}):
        message = f"the index has other bytes under the name {wheel.file} than were locked"
        raise BuildError(message, hint=f"ask who runs it, or {hint}")
    return replace(wheel, url=_url(same[0]))  # an index without hashes: the bytes will tell


def _url(file: File) -> str:
    return str(file["url"] if "url" in file else file["path"])


def _name(file: File) -> str:
    return str(file.get("name") or PurePosixPath(unquote(urlsplit(_url(file)).path)).name)
