"""msgpack, once: every byte of a header or a body passes through these two functions.

Only msgpack's C code is used: msgspec and ormsgpack were seen to end the process on nested arrays, and msgpack's own
fallback in Python recurses. Importing it costs what datetime, struct and collections cost, and 1 ms more.
"""

from __future__ import annotations

from msgpack import ExtType as ExtType
from msgpack import Timestamp as Timestamp
from msgpack._cmsgpack import Packer, unpackb

from hyfn.errors import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ITEMS = 1_000_000
"""Most elements of all containers of one document together: 1 MB of empty maps costs 68 MB."""
MAX_DEPTH = 64
"""Most containers of a body that stand inside one another."""


def pack(value: object) -> bytes:
    """Values of msgpack's own kinds (and ExtType) to bytes. TypeError, ValueError or OverflowError for others."""
    packed: bytes = Packer().pack(value)
    return packed


def unpack(data: bytes | memoryview, ext_hook: Callable[[int, bytes], object] = ExtType) -> object:
    """Bytes to values. Raises Malformed, whatever is wrong with them. String keys only."""
    size = len(data)
    try:
        if size > MAX_ITEMS:
            return _unpack_counted(data, ext_hook)
        value: object = unpackb(data, max_array_len=size, max_map_len=size, ext_hook=ext_hook)
    except Exception as error:
        raise Malformed("the body is not msgpack") from error
    return value


def _unpack_counted(data: bytes | memoryview, ext_hook: Callable[[int, bytes], object]) -> object:
    """As `unpack`, counting: a body shorter than MAX_ITEMS bytes cannot hold more items, a longer one can."""
    left = MAX_ITEMS

    def count(container: list[object] | dict[str, object]) -> object:
        nonlocal left
        left -= len(container) + 1
        if left < 0:
            raise ValueError(f"more than {MAX_ITEMS} items")
        return container

    value: object = unpackb(
        data,
        max_array_len=MAX_ITEMS,
        max_map_len=MAX_ITEMS,
        ext_hook=ext_hook,
        list_hook=count,
        object_hook=count,
    )
    return value


def is_within_limits(value: object) -> bool:
    """Whether the lists and dicts of `value` nest at most MAX_DEPTH deep and hold at most MAX_ITEMS together."""
    level: list[object] = [value]
    items = 0
    for _ in range(MAX_DEPTH):
        inner: list[object] = []
        for container in level:
            if type(container) is list:
                inner += container
            elif type(container) is dict:
                inner += container.values()
        items += len(inner)
        if items > MAX_ITEMS:
            return False
        level = [item for item in inner if type(item) is list or type(item) is dict]
        if not level:
            return True
    return False
