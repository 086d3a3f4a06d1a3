"""What a cold start pays for values: msgpack, and nothing that a function's types do not need."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest


def imported_by(statements: str, *, after: str = "import msgpack, hyfn.errors") -> set[str]:
    script = textwrap.dedent(
        """
        import sys
        exec({after!r})
        before = set(sys.modules)
        names = {{"__name__": "__main__"}}
        exec({statements!r}, names)
        print(*sorted(set(sys.modules) - before))
        """
    ).format(after=after, statements=textwrap.dedent(statements))
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


OWN = {
    "hyfn.wire",
    "hyfn.wire.annotation",
    "hyfn.wire.builtin",
    "hyfn.wire.codec",
    "hyfn.wire.form",
    "hyfn.wire.packing",
    "hyfn.wire.signature",
    "hyfn.wire.table",
}

USE = """
    from hyfn.wire import codec
    arguments, result = codec.arguments(f), codec.result(f)
    arguments.unpack(arguments.pack(ARGS, {}))
    result.unpack(result.pack(ARGS[0]))
"""


@pytest.mark.parametrize("future", ["", "from __future__ import annotations"])
def test_builtin_types_import_nothing_but_the_codec(future: str) -> None:
    define = f"""
    {future}
    def f(a: str, b: int, c: float, d: bool, e: bytes, g: list[int], h: dict[str, list[float]], i: None = None) -> str:
        ...
    ARGS = ("x", 1, 1.0, True, b"x", [1], {{"a": [1.0]}}, None)
    """
    assert imported_by(define + USE) <= OWN


def test_a_dataclass_imports_one_more_module() -> None:
    define = """
    class Sub: ...
    @dataclasses.dataclass
    class Invoice:
        id: str
        lines: "list[int]"
    def f(x: Invoice, y: list[Invoice]) -> Invoice: ...
    ARGS = (Invoice("1", [1]), [])
    """
    after = "import msgpack, hyfn.errors, dataclasses\n"
    assert imported_by("import dataclasses\n" + textwrap.dedent(define) + textwrap.dedent(USE), after=after) <= (
        OWN | {"hyfn.wire.record"}
    )


def test_an_optional_imports_one_more_module() -> None:
    define = """
    def f(x: str | None) -> "int | str": ...
    ARGS = ("x",)
    """
    assert imported_by(define + USE) <= OWN | {"hyfn.wire.choice"}


def test_times_import_no_more_than_msgpack_has_imported() -> None:
    define = """
    import datetime
    def f(x: datetime.datetime) -> datetime.datetime: ...
    ARGS = (datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc),)
    """
    assert imported_by(define + USE) <= OWN | {"hyfn.wire.classes", "hyfn.wire.from_json", "hyfn.wire.scalar"}


def test_a_contract_s_digest_imports_only_itself() -> None:
    define = """
    def f(x: str) -> str: ...
    from hyfn.wire import codec
    from hyfn import contract
    codec.arguments(f)
    contract.digest(f)
    """
    assert imported_by(define, after="import msgpack, hyfn.errors, hyfn.wire.frame") <= OWN | {"hyfn.contract"}


def test_only_msgpack_s_c_code_decodes() -> None:
    """Its fallback in Python recurses: without the C code the codec does not load."""
    script = "import sys; sys.modules['msgpack._cmsgpack'] = None; import hyfn.wire.packing"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "ImportError" in done.stderr or "ModuleNotFoundError" in done.stderr
