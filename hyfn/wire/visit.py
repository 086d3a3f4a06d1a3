"""The forms of hyfn.Request and hyfn.Response: they pass through as they are, within one process, and never travel."""

from __future__ import annotations

from hyfn.request import Request, Response
from hyfn.wire.form import Form, Misfit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

REQUEST, RESPONSE = "hyfn.Request", "hyfn.Response"
"""Their shapes, by which who serves plain HTTP knows them."""


def of(cls: type) -> Form:
    """The form of the class. Its values come and go by plain HTTP alone: packing one raises Misfit."""
    form = Form(cls.__qualname__, (cls,))

    def pack(value: object) -> object:
        raise Misfit(form.name, value, f"a {_SHAPES[cls]} never travels: it is for @on.http alone")

    def unpack(raw: object) -> object:
        if type(raw) is cls:
            return raw
        raise Misfit(form.name, raw, f"a {_SHAPES[cls]} comes by plain HTTP alone (@on.http)")

    return form.ready(_SHAPES[cls], pack, unpack)


_SHAPES: Mapping[type, str] = {Request: REQUEST, Response: RESPONSE}
