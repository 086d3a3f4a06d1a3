"""What `hyfn` offers is written once for checkers and found at run time from the folders: both must agree."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import hyfn
from hyfn import clouds, declare, errors

TREE = ast.parse(Path(hyfn.__path__[0], "__init__.py").read_text())


def names_for_checkers() -> dict[str, str]:
    """name → the module that the TYPE_CHECKING block takes it from."""
    block = next(node for node in TREE.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


def test_checkers_and_all_name_the_same() -> None:
    assert sorted(names_for_checkers()) == sorted(hyfn.__all__)
    assert len(set(hyfn.__all__)) == len(hyfn.__all__)


def test_every_platform_of_every_folder_is_public_and_nothing_else_is() -> None:
    folders = {
        name: platform.accepts.__module__
        for name, platform in clouds.platforms().items()
        if platform.accepts.__module__.startswith("hyfn.clouds.")
    }
    public = {name: module for name, module in names_for_checkers().items() if module.startswith("hyfn.clouds.")}
    assert public == folders


def test_every_error_of_a_call_is_public() -> None:
    classes = {name: value for name, value in vars(errors).items() if isinstance(value, type)}
    assert {name for name, value in classes.items() if issubclass(value, errors.CallError)} <= set(hyfn.__all__)


@pytest.mark.parametrize("name", hyfn.__all__)
def test_a_public_name_is_what_checkers_think_it_is(name: str) -> None:
    module = __import__(names_for_checkers()[name], fromlist=[name])
    assert getattr(hyfn, name) is getattr(module, name)


def test_importing_everything_gives_every_public_name() -> None:
    names: dict[str, object] = {}
    exec("from hyfn import *", names)
    assert set(hyfn.__all__) <= set(names)
    assert set(hyfn.__all__) <= set(dir(hyfn))


def test_the_run_time_part_names_no_cloud() -> None:
    block = next(node for node in TREE.body if isinstance(node, ast.If))
    words = {node.value for part in block.orelse for node in ast.walk(part) if isinstance(node, ast.Constant)}
    words |= {node.id for part in block.orelse for node in ast.walk(part) if isinstance(node, ast.Name)}
    assert words & {*clouds.known(), *clouds.platforms()} == set()


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'hyfn' has no attribute 'awz'"):
        hyfn.awz  # type: ignore[attr-defined]  # noqa: B018


def test_submodules_are_not_hidden_by_the_lazy_names() -> None:
    from hyfn import wiring

    assert wiring.__name__ == "hyfn.wiring"
    assert declare.__name__ == "hyfn.declare"
