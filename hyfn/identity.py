"""What a function is called everywhere: "module:qualname"."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def identity(function: Any) -> str:
    """The identity of a function, a class or a Function: its module and qualified name."""
    module = function.__module__
    return f"{main_module() if module == '__main__' else module}:{function.__qualname__}"


def main_module() -> str:
    """The module name under which the project knows the script that runs as __main__."""
    import sys

    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        name: str = spec.name
        return name.removesuffix(".__main__")
    from os import environ

    given = environ.get("HYFN_MAIN")
    if given:
        return given
    file: str = getattr(main, "__file__", None) or "__main__"
    return file.rpartition("/")[2].removesuffix(".py")
