"""The options that stand in a decorator, and what is wrong with each."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from hyfn.discover.options import NotConstantError, Platform, accepted, evaluate, example, problem, shown
from hyfn.discover.scope import Scopes
from hyfn.discover.triggers import UNREAD, Kind
from hyfn.errors import HyfnError, SourceError
from hyfn.model import Source


class Given:
    """What is wrong goes to `problems`. `home` is where options of platforms may stand as well."""

    def __init__(self, scopes: Scopes, home: str, problems: list[HyfnError]) -> None:
        self._scopes = scopes
        self._home = home
        self._problems = problems

    def options(self, call: ast.Call, platform: Platform, source: Source, function: str) -> dict[str, Any]:
        """Those of `call`, which stands in `source` and decorates `function` ("module.name")."""
        by_position = platform.by_position if isinstance(platform, Kind) else 0
        if call.args[by_position:]:
            known = f"known are {', '.join(sorted(accepted(platform)))}"
            self._error(f"{platform.name} takes its options by name", source, call.args[by_position].lineno, known)
        first = zip(accepted(platform), call.args[:by_position], strict=False)
        named = [ast.keyword(name, value, lineno=value.lineno) for name, value in first]
        options: dict[str, Any] = {}
        for keyword in [*named, *call.keywords]:
            options |= self._option(source, function, platform, keyword)
        return options

    def _option(self, source: Source, function: str, platform: Platform, keyword: ast.keyword) -> dict[str, Any]:
        line = keyword.value.lineno if keyword.arg is None else keyword.lineno
        try:
            value = evaluate(keyword.value, source.module, self._scopes)
        except NotConstantError as error:
            message = f"option {keyword.arg or '**'} cannot be read: {error}"
            self._error(message, source, line, self._elsewhere(function, platform, keyword.arg))
            return _unread(platform, [keyword.arg])
        if keyword.arg is None and not isinstance(value, dict):
            self._error(f"**{shown(keyword.value)} is no dict", source, line)
            return {}
        options = value if keyword.arg is None else {keyword.arg: value}
        wrong = {name: said for name, given in options.items() if (said := problem(platform, str(name), given))}
        for message, hint in wrong.values():
            self._error(message, source, line, hint)
        return {name: given for name, given in options.items() if name not in wrong} | _unread(platform, wrong)

    def _elsewhere(self, function: str, platform: Platform, option: str | None) -> str:
        """Where an option that is no constant can be written instead."""
        if isinstance(platform, Kind):
            return "write it as a literal, or as a constant of the module"
        known = example(platform, option) if option in accepted(platform) and option else f"{option or 'OPTION'} = ..."
        return f'write it in {self._home}: [tool.hyfn.functions."{function}".{platform.name}] {known}'

    def _error(self, message: str, source: Source, line: int, hint: str | None = None) -> None:
        self._problems.append(SourceError(message, where=f"{source.file}:{line}", hint=hint))


def _unread(platform: Platform, options: Iterable[str | None]) -> dict[str, Any]:
    """For options that were said to be wrong: of a trigger nobody shall say that it lacks them."""
    if not isinstance(platform, Kind):
        return {}
    return {option: UNREAD for option in options if option and option in accepted(platform)}
