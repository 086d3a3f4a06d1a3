"""Hostile and oversized bodies: whatever is sent, the answer is Malformed, in finite time and memory."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyfn.errors import Malformed
from hyfn.wire import codec
from hyfn.wire.packing import MAX_DEPTH, MAX_ITEMS, ExtType, pack, unpack
from tests.unit import codec_types as types
from tests.unit.codec_types import typed

ANNOTATIONS: list[Any] = [
    Any,
    str,
    list[Any],
    dict[str, Any],
    types.Tree,
    types.Invoice,
    int | str | list[Any],
    list[int],
]
CORPUS = {
    "nothing": b"",
    "a reserved byte": b"\xc1",
    "arrays in arrays": b"\x91" * 5000,
    "arrays in arrays, whole": b"\x92" + b"\x91" * 900 + b"\xc0" + b"\x80",
    "maps in maps": b"\x81\xa1a" * 5000,
    "huge arrays in arrays": b"\xdd\x00\x0f\x42\x40" * 1000 + b"\xc0" * 1_000_000,
    "a huge array of nothing": b"\xdd\xff\xff\xff\xff",
    "a huge map of nothing": b"\xdf\xff\xff\xff\xff",
    "a huge text of nothing": b"\xdb\xff\xff\xff\xff",
    "a huge extension of nothing": b"\xc9\xff\xff\xff\xff\x01",
    "too many empty maps": b"\x92\xdd" + (2_000_000).to_bytes(4, "big") + b"\x80" * 2_000_000 + b"\x80",
    "too many empty maps in arrays": b"\x92\x92"
    + 2 * (b"\xdd" + (900_000).to_bytes(4, "big") + b"\x80" * 900_000)
    + b"\x80",
    "text that is not UTF-8": b"\x92\x91\xa1\xff\x80",
    "a map with a number as key": b"\x92\x91\x81\x01\x01\x80",
    "a map with an array as key": b"\x92\x91\x81\x90\x01\x80",
    "a timestamp": b"\x92\x91\xd6\xff\x00\x00\x00\x00\x80",
    "a broken timestamp": b"\x92\x91\xc7\x03\xff\x00\x00\x00\x80",
    "something after the end": pack([[], {}]) + b"\x00",
    "a tag that opens the arguments": pack([[ExtType(16, b""), 1], {}]),
    "a tag for the keywords": pack([[], ExtType(19, b"")]),
    "extensions in lists": pack([[[ExtType(n, b"\xff") for n in range(128)]], {}]),
}


@pytest.mark.parametrize("name", CORPUS)
@pytest.mark.parametrize("annotation", ANNOTATIONS, ids=str)
def test_a_hostile_body_is_malformed(name: str, annotation: Any) -> None:
    with pytest.raises(Malformed):
        codec.arguments(typed(annotation)).unpack(CORPUS[name])
    with pytest.raises(Malformed):
        codec.arguments(typed(annotation)).unpack(CORPUS[name], is_json=True)
    with pytest.raises(Malformed):
        codec.result(typed(annotation)).unpack(CORPUS[name])


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_nesting_is_allowed_to_the_limit_and_no_further() -> None:
    arguments = codec.arguments(typed(Any))
    deepest = nested(MAX_DEPTH - 2)
    assert arguments.unpack(arguments.pack((deepest,), {})) == ([deepest], {})
    for value in (nested(MAX_DEPTH - 1), nested(900)):
        with pytest.raises(TypeError, match="nests more than 64 deep"):
            arguments.pack((value,), {})
        with pytest.raises(Malformed):
            arguments.unpack(pack([[value], {}]))


def test_a_recursive_type_is_allowed_to_the_limit_and_no_further() -> None:
    arguments = codec.arguments(typed(types.Tree))
    tree = types.Tree(0)
    for _ in range(20):
        tree = types.Tree(0, [tree])
    assert arguments.unpack(arguments.pack((tree,), {})) == ([tree], {})
    for _ in range(20):
        tree = types.Tree(0, [tree])
    with pytest.raises(TypeError, match="nests more than 64 deep"):
        arguments.pack((tree,), {})


def test_a_value_that_contains_itself_is_refused() -> None:
    tree = types.Tree(0)
    tree.children.append(tree)
    with pytest.raises(TypeError, match="contains itself"):
        codec.arguments(typed(types.Tree)).pack((tree,), {})
    loop: list[Any] = []
    loop.append(loop)
    for annotation in (Any, list[Any]):
        with pytest.raises(TypeError, match="contains itself"):
            codec.arguments(typed(annotation)).pack((loop,), {})
        with pytest.raises(TypeError, match="contains itself"):
            codec.result(typed(annotation)).pack(loop)


def test_items_are_counted_over_all_containers() -> None:
    arguments = codec.arguments(typed(list[list[int]]))
    many = [[1] * 1000] * (MAX_ITEMS // 1000 - 10)
    assert arguments.unpack(arguments.pack((many,), {})) == ([many], {})
    with pytest.raises(TypeError, match="more than 1000000 items"):
        arguments.pack(([[1] * 1000] * 1001,), {})
    with pytest.raises(Malformed):
        arguments.unpack(pack([[[[1] * 1000] * 1001], {}]))


def test_ten_million_bytes_are_no_items() -> None:
    page = bytes(10_000_000)
    arguments = codec.arguments(typed(bytes))
    assert arguments.unpack(arguments.pack((page,), {})) == ([page], {})


def test_a_thread_with_a_small_stack_survives_deep_bodies() -> None:
    """Decoders that recurse on the C stack were seen to end the process here."""
    script = textwrap.dedent("""
        import threading
        from typing import Any
        from hyfn.wire import codec
        from hyfn.errors import Malformed
        def given(x: Any) -> Any: ...
        def attack():
            for body in (b"\\x91" * 900_000, b"\\x81\\xa1a" * 300_000, b"\\x92" + b"\\x91" * 1000 + b"\\xc0\\x80"):
                try:
                    codec.arguments(given).unpack(body)
                except Malformed:
                    told.append(1)
        told = []
        codec.arguments(given)
        threading.stack_size(64 * 1024)
        thread = threading.Thread(target=attack)
        thread.start()
        thread.join()
        print(len(told))
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "3", "")


def test_hostile_bodies_do_not_fill_the_memory() -> None:
    script = textwrap.dedent("""
        import resource
        from typing import Any
        from hyfn.wire import codec
        from hyfn.errors import Malformed
        from tests.unit.test_codec_limits import CORPUS
        def given(x: Any) -> Any: ...
        codec.arguments(given)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(3):
            for body in CORPUS.values():
                try:
                    codec.arguments(given).unpack(body)
                except Malformed:
                    pass
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 250_000, "kilobytes"


VALID = [
    pack([[value], {}])
    for value in (
        {"id": "1", "lines": [{"price": 1.0, "count": 2}], "parent": None, "tags": {"a": 1}},
        [ExtType(16, b""), ExtType(1, b"2026-01-01T00:00:00+02:00[Europe/Berlin]"), ExtType(6, b"1E+5")],
        [ExtType(19, b""), 1, [ExtType(17, b""), ExtType(5, b"0" * 16), ExtType(7, b"\x01" * 9)]],
        {"value": 1, "children": [{"value": 2, "children": []}]},
        [ExtType(22, b"Cat"), {"name": "x"}],
        [[ExtType(20, b""), b"abc"], ExtType(9, b"P/x"), ExtType(4, b"0" * 12), ExtType(8, b"0" * 16)],
    )
]
FUZZED = [
    codec.arguments(typed(a)) for a in (Any, types.Invoice, types.Tree, types.Cat | types.Dog | None, dict[int, Any])
]


@given(
    st.sampled_from(VALID),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=6),
    st.integers(0, 40),
)
def test_a_mutated_body_is_a_value_or_malformed(body: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    changed = bytearray(body)
    for at, byte in changes:
        changed[at % len(changed)] = byte
    mutated = bytes(changed[: len(changed) - cut])
    for arguments in FUZZED:
        for is_json in (False, True):
            _value_or_malformed(arguments, mutated, is_json)


@given(st.binary(max_size=200))
def test_random_bytes_are_a_value_or_malformed(body: bytes) -> None:
    for arguments in FUZZED:
        _value_or_malformed(arguments, body, False)
        _value_or_malformed(arguments, b"\x92\x91" + body + b"\x80", False)


def _value_or_malformed(arguments: codec.Arguments, body: bytes, is_json: bool) -> None:
    try:
        args, kwargs = arguments.unpack(body, is_json)
    except Malformed:
        return
    assert type(args) is list
    assert type(kwargs) is dict


def test_a_memoryview_is_read_as_bytes_are() -> None:
    body = pack([["x"], {}])
    framed = memoryview(b"123" + body + b"456")[3:-3]
    assert codec.arguments(typed(str)).unpack(framed) == (["x"], {})
    assert unpack(framed) == [["x"], {}]


def test_codecs_may_be_used_by_many_threads() -> None:
    arguments = codec.arguments(typed(types.Invoice))
    invoice = types.Invoice("1", [types.Line(1.0)] * 50)
    wrong: list[object] = []

    def work() -> None:
        for _ in range(200):
            back = arguments.unpack(arguments.pack((invoice,), {}))
            if back != ([invoice], {}):
                wrong.append(back)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
