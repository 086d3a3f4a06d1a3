"""Which function's @on.http a request's path is for: of those that match, the most specific one."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from hyfn.host.events import Triggers

_LITERAL, _NAMED, _REST, _BELOW = range(4)


class Route:
    """One @on.http of a function. `mount` is "asgi", "wsgi" or "": an application has every path below its own, and
    every method."""

    __slots__ = ("_parts", "function", "methods", "mount", "path", "rank")

    def __init__(self, function: str, trigger: Mapping[str, Any]) -> None:
        """`trigger` is as hyfn.json has it."""
        self.function = function
        self.mount: str = trigger["mount"]
        self.methods: Sequence[str] = trigger["methods"]
        self.path: str = trigger["path"].rstrip("/") if self.mount else trigger["path"]
        self._parts = self.path.split("/")[1:]
        self.rank = [_rank(part) for part in self._parts] + ([(_BELOW, "")] if self.mount else [])

    def match(self, path: str) -> dict[str, str] | None:
        """What the path's parameters are in `path`, which is decoded; None where it is another path.

        A parameter takes one segment that is not empty, "{rest...}" all that follow.
        """
        segments = path.split("/")[1:]
        found: dict[str, str] = {}
        for index, part in enumerate(self._parts):
            if index == len(segments):
                return None
            kind, _ = _rank(part)
            if kind == _REST:
                found[part[1:-4]] = "/".join(segments[index:])
                return found
            if kind == _NAMED and segments[index]:
                found[part[1:-1]] = segments[index]
            elif segments[index] != part:
                return None
        return found if self.mount or len(segments) == len(self._parts) else None


class Found:
    """A route that a path leads to, and what the path's parameters are."""

    __slots__ = ("parameters", "route")

    def __init__(self, route: Route, parameters: dict[str, str]) -> None:
        self.route = route
        self.parameters = parameters


class Routes:
    """All of an artifact."""

    def __init__(self, triggers: Triggers) -> None:
        routes = [
            Route(function, trigger)
            for function, waiting in triggers.items()
            for trigger in waiting
            if trigger["kind"] == "http"
        ]
        self._routes = sorted(routes, key=lambda route: route.rank)

    def find(self, path: str) -> list[Found]:
        """The routes of the most specific path that matches, in the order of their functions; [] for none.

        A "." or ".." is no segment: whoever resolves it may come to another path.
        """
        if not path.startswith("/") or any(segment in (".", "..") for segment in path.split("/")):
            return []
        matching = list(self._matching(path))
        return [found for found in matching if found.route.rank == matching[0].route.rank]

    def _matching(self, path: str) -> Iterator[Found]:
        for route in self._routes:
            parameters = route.match(path)
            if parameters is not None:
                yield Found(route, parameters)

    @property
    def mounts(self) -> list[Route]:
        return [route for route in self._routes if route.mount]


def methods(found: Sequence[Found]) -> list[str]:
    """What a path answers to: what its routes have, HEAD where they have GET, and OPTIONS."""
    declared = [method for each in found for method in each.route.methods]
    implied = ["HEAD"] if "GET" in declared else []
    return list(dict.fromkeys([*declared, *implied, "OPTIONS"]))


def _rank(part: str) -> tuple[int, str]:
    """Of a segment of a path: a literal comes before a parameter, which comes before the rest."""
    if not part.startswith("{"):
        return _LITERAL, part
    return (_REST if part.endswith("...}") else _NAMED), ""
