"""msgpack, once: every byte of a header or a body passes through these two functions.

msgpack's C decoder is the only one used: msgspec and ormsgpack were seen to end the process on nested arrays.
"""

from __future__ import annotations

import msgpack

from hyfn.errors import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ITEMS = 1_000_000
"""Most elements of all containers of one document together: 1 MB of empty maps costs 68 MB."""
MAX_DEPTH = 64


def pack(value: object) -> bytes:
    """Values of msgpack's own kinds (and msgpack.ExtType) to bytes."""
    packed: bytes = msgpack.packb(value, use_bin_type=True)
    return packed


def unpack(data: bytes | memoryview, ext_hook: Callable[[int, bytes], object] = msgpack.ExtType) -> object:
    """Bytes to values. Raises Malformed, whatever is wrong with them. String keys only."""
    try:
        value: object = msgpack.unpackb(
            data,
            raw=False,
            strict_map_key=True,
            ext_hook=ext_hook,
            max_array_len=MAX_ITEMS,
            max_map_len=MAX_ITEMS,
        )
    except Exception as error:  # noqa: BLE001  (its decoders raise a dozen kinds)
        raise Malformed("the body is not msgpack") from error
    return value
