"""Exceptions as data: what was raised there, raised again here.

A body is {"code", "type", "msg", "data", "tb", "cause"}. `tb` is a list of [file, line, function,
source line]; an entry without a file opens a hop: ["", 0, "app:ingest", "azure"].
Hops stand in the order of the calls, the outermost first.
"""

from __future__ import annotations

import builtins
import sys

from hyfn.errors import BY_CODE, CallError, Internal, RemoteError
from hyfn.identity import identity, main_module
from hyfn.wire.packing import pack
from hyfn.wire.table import from_wire, to_wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from types import CodeType, TracebackType
    from typing import Any

MAX_MESSAGE = 2048
MAX_DATA = 16 * 1024
MAX_CAUSES = 4
MAX_ENTRIES = 100
_TRACE = "__hyfn_trace__"
_NOTE = "__hyfn_note__"


def describe(raised: BaseException, hop: list[Any], start: CodeType | None = None, depth: int = 0) -> dict[str, Any]:
    """The body of an error that user code raised.

    `hop` is the entry that opens this hop's part of the traceback, which begins at `start`, the function's own code.
    """
    cause = raised.__cause__ or (None if raised.__suppress_context__ else raised.__context__)
    return {
        "code": "USER_ERROR",
        "type": type_name(raised),
        "msg": _message(raised),
        "data": _data(raised),
        "tb": [hop, *_entries(raised.__traceback__, start), *getattr(raised, _TRACE, ())][:MAX_ENTRIES],
        "cause": None if cause is None or depth == MAX_CAUSES else describe(cause, hop, start, depth + 1),
    }


def refuse(error: CallError) -> dict[str, Any]:
    """The body of an error of the protocol itself."""
    return {
        "code": error.code,
        "type": "",
        "msg": error.message[:MAX_MESSAGE],
        "data": None,
        "tb": getattr(error, _TRACE, []),
        "cause": None,
    }


def restore(body: dict[str, Any], executed: int, allowed: Collection[str]) -> BaseException:
    """The exception to raise here: its own class where it is a builtin one or `allowed`, else RemoteError.

    A class is looked up by name only if `allowed`, the caller's own list, has it. Its `__init__` is not run.
    """
    code, message = body.get("code"), str(body.get("msg"))
    if code != "USER_ERROR":
        error: BaseException = BY_CODE.get(str(code), Internal)(message, executed=executed)
    else:
        error = _rebuild(str(body.get("type")), message, body.get("data"), allowed)
    _annotate(error, body.get("tb"))
    cause = body.get("cause")
    if isinstance(cause, dict):
        error.__cause__ = restore(cause, executed, allowed)
    return error


def type_name(raised: BaseException) -> str:
    """ "module:qualname"; a RemoteError keeps the name it came with."""
    if isinstance(raised, RemoteError) and raised.remote_type:
        return raised.remote_type
    return identity(type(raised))


def _message(raised: BaseException) -> str:
    try:
        text = raised.message if isinstance(raised, CallError) else str(raised)
    except Exception as broken:  # noqa: BLE001  (a user's __str__ may do anything)
        text = f"<its message could not be made: {type(broken).__name__}>"
    return text[:MAX_MESSAGE]


def _data(raised: BaseException) -> Any:
    if isinstance(raised, RemoteError):
        return raised.data
    data = {
        "args": _travelling(list(raised.args)),
        "attributes": {
            name: wire
            for name, value in vars(raised).items()
            if not name.startswith("__") and (wire := _travelling(value)) is not None
        },
        "notes": [note for note in getattr(raised, "__notes__", ()) if note != getattr(raised, _NOTE, None)],
    }
    return data if data["args"] is not None and len(pack(data)) <= MAX_DATA else None


def _travelling(value: object) -> Any:
    try:
        return to_wire(value)
    except (TypeError, ValueError):
        return None


def _entries(traceback: TracebackType | None, start: CodeType | None) -> list[list[Any]]:
    import linecache

    entries: list[list[Any]] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code is start:
            entries.clear()
        if not _is_ours(traceback.tb_frame.f_globals.get("__name__", "")):
            line = linecache.getline(code.co_filename, traceback.tb_lineno).strip()[:200]
            entries.append([_short(code.co_filename), traceback.tb_lineno, code.co_qualname, line])
        traceback = traceback.tb_next
    return entries


def _is_ours(module: str) -> bool:
    return module == "hyfn" or module.startswith("hyfn.")


def _short(file: str) -> str:
    """`file` below the import root that holds it: where the artifact lies on the platform is nobody's business."""
    roots = [root for root in sys.path if root and file.startswith(root.rstrip("/") + "/")]
    return file[len(max(roots, key=len).rstrip("/")) + 1 :] if roots else file.rpartition("/")[2]


def _rebuild(name: str, message: str, data: Any, allowed: Collection[str]) -> BaseException:
    kind = _class(name, allowed)
    if kind is not None and isinstance(data, dict):
        try:
            args = tuple(from_wire(data["args"]))
            error = kind.__new__(kind, *args)
            error.args = args
            error.__dict__.update({key: from_wire(value) for key, value in data["attributes"].items()})
            for note in data["notes"]:
                error.add_note(str(note))
            return error
        except Exception:  # noqa: BLE001  (a class that cannot be made without its __init__)
            return RemoteError(message, remote_type=name, data=data)
    return RemoteError(message, remote_type=name, data=data)


def _class(name: str, allowed: Collection[str]) -> type[BaseException] | None:
    module, _, qualname = name.partition(":")
    if module == "builtins":
        found: object = getattr(builtins, qualname, None)
    elif name in allowed:
        found = _imported(module, qualname)
    elif module == "hyfn.errors":
        found = {error.__name__: error for error in BY_CODE.values()}.get(qualname)
    else:
        return None
    return found if isinstance(found, type) and issubclass(found, Exception) else None


def _imported(module: str, qualname: str) -> object:
    from importlib import import_module

    try:
        found: object = sys.modules["__main__"] if module == main_module() else import_module(module)
        for part in qualname.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError):
        return None
    return found


def _annotate(error: BaseException, entries: Any) -> None:
    if not isinstance(entries, list) or not all(isinstance(e, list) and len(e) == 4 for e in entries) or not entries:
        return
    lines = ["Remote traceback (most recent call last):"]
    for file, line, function, text in entries:
        if not file:
            lines.append(f"  {function} on {text}")
            continue
        lines.append(f'    File "{file}", line {line}, in {function}')
        if text:
            lines.append(f"      {text}")
    note = "\n".join(lines)
    error.add_note(note)
    error.__dict__[_NOTE] = note
    error.__dict__[_TRACE] = entries
