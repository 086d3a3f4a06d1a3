"""Who says what of an object: server-side apply with field managers, for the fake of a cluster.

Written from https://kubernetes.io/docs/reference/using-api/server-side-apply/: an applier owns each field that it
states; one that it states no more goes, unless somebody else owns it; a field with another value that somebody else
owns is a conflict, unless it is forced. Lists of a core kind are merged by the keys that its schema names; those of a
custom resource are taken as a whole.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str, ...]

KEYED = {"containers": "name", "env": "name", "volumes": "name", "volumeMounts": "mountPath"}
PORTS = {"containers": "containerPort", "spec": "port"}
ATOMIC = {"selector", "nodeSelector"}
"""Maps of core kinds that are taken as a whole (`x-kubernetes-map-type: atomic` in its OpenAPI)."""
IDENTITY = {
    ("apiVersion",),
    ("kind",),
    *{("metadata", each) for each in ("name", "namespace", "uid", "resourceVersion", "generation", "managedFields")},
}


@dataclass
class Owned:
    """The fields of one object by who manages them."""

    managers: dict[str, set[Path]] = field(default_factory=dict)


class Conflicts(Exception):
    """`said` has each field that somebody else owns."""

    def __init__(self, said: list[str]) -> None:
        super().__init__("; ".join(said))
        self.said = said


def leaves(value: Any, is_core: bool, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each field that is owned by itself: its path and value. An item of a keyed list is "[key=value]" in a path."""
    name = path[-1] if path else ""
    key = _key(path) if is_core else ""
    if path in IDENTITY:
        return
    if isinstance(value, Mapping) and value and not (is_core and name in ATOMIC and path[0] == "spec"):
        for each, inner in value.items():
            yield from leaves(inner, is_core, (*path, str(each)))
    elif key and isinstance(value, list) and value:
        for item in value:
            own = f"[{key}={item[key]}]"
            yield (*path, own, key), item[key]
            yield from leaves({name: each for name, each in item.items() if name != key}, is_core, (*path, own))
    else:
        yield path, value


def _key(path: Path) -> str:
    if not path:
        return ""
    if path[-1] == "ports":
        return PORTS["spec"] if len(path) == 2 else PORTS["containers"]
    return KEYED.get(path[-1], "")


def applied(
    live: Mapping[str, Any], owned: Owned, stated: Mapping[str, Any], manager: str, force: bool, is_core: bool
) -> dict[str, Any]:
    """The object after it. Raises Conflicts."""
    new = dict(leaves(stated, is_core))
    result: dict[str, Any] = copy.deepcopy(dict(live))
    conflicts = _conflicts(result, owned, new, manager)
    if conflicts and not force:
        raise Conflicts([f'conflict with "{other}": .{".".join(path)}' for other, path in conflicts])
    for other, path in conflicts:
        owned.managers[other].discard(path)
    for path in owned.managers.get(manager, set()) - new.keys():
        if not any(path in paths for other, paths in owned.managers.items() if other != manager):
            _drop(result, path, new)
    for path, value in new.items():
        _set(result, path, copy.deepcopy(value))
    owned.managers[manager] = set(new)
    return result


def updated(before: Mapping[str, Any], after: Mapping[str, Any], owned: Owned, manager: str, is_core: bool) -> None:
    """Somebody wrote fields without applying: what changed is theirs."""
    old, new = dict(leaves(before, is_core)), dict(leaves(after, is_core))
    changed = {path for path in new if old.get(path, ...) != new[path]}
    for paths in owned.managers.values():
        paths -= changed
        paths -= old.keys() - new.keys()
    owned.managers.setdefault(manager, set()).update(changed)


def _conflicts(live: Mapping[str, Any], owned: Owned, new: Mapping[Path, Any], manager: str) -> list[tuple[str, Path]]:
    found = []
    for other, paths in owned.managers.items():
        for path in paths if other != manager else ():
            near = [each for each in new if each[: len(path)] == path or path[: len(each)] == each]
            if any(each != path or get(live, path) != new[each] for each in near):
                found.append((other, path))
    return sorted(found)


def get(value: Any, path: Path) -> Any:
    for step in path:
        value = _item(value, step) if step.startswith("[") else (value or {}).get(step)
        if value is None:
            return None
    return value


def _item(items: Any, step: str) -> Any:
    key, _, wanted = step[1:-1].partition("=")
    return next((each for each in items or [] if str(each.get(key)) == wanted), None)


def _set(value: Any, path: Path, new: Any) -> None:
    for number, step in enumerate(path[:-1]):
        following = path[number + 1]
        if step.startswith("["):
            value = _item(value, step)
            continue
        inner = value.get(step)
        if not isinstance(inner, list if following.startswith("[") else dict):
            inner = value[step] = [] if following.startswith("[") else {}
        if following.startswith("[") and _item(inner, following) is None:
            inner.append({})
            key, _, _ = following[1:-1].partition("=")
            inner[-1][key] = new if path[number + 2 :] == (key,) else None
        value = inner
    value[path[-1]] = new


def _drop(value: dict[str, Any], path: Path, new: Mapping[Path, Any]) -> None:
    """And what is empty then, but for what is stated. A keyed item goes with its key."""
    parent = get(value, path[:-1])
    if not isinstance(parent, dict):
        return
    parent.pop(path[-1], None)
    above = path[:-1]
    while above and get(value, above) == {} and above not in new:
        step, holder = above[-1], get(value, above[:-1])
        if step.startswith("["):
            holder[:] = [each for each in holder if each]
        else:
            holder.pop(step, None)
        above = above[:-1]
        if get(value, above) == []:
            get(value, above[:-1]).pop(above[-1], None)
            above = above[:-1]
