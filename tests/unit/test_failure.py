"""Exceptions as data: there and back, by name only where the caller lists the name."""

from __future__ import annotations

import pytest

from hyfn.errors import DeadlineExceeded, Forbidden, RemoteError
from hyfn.wire import failure
from hyfn.wire.packing import pack, unpack

HERE = f"{__name__}:"


class Broken(Exception):
    def __init__(self, what: str) -> None:
        super().__init__(f"{what}!")
        self.what = what


class Loud(Exception):
    made = 0

    def __new__(cls, *args: object) -> Loud:
        return super().__new__(cls, *args)

    def __init__(self, *args: object) -> None:
        Loud.made += 1
        super().__init__(*args)


def sent(error: Exception, hop: str = "app:f", place: str = "aws") -> dict[str, object]:
    """As it arrives: raised, described, packed and unpacked."""
    try:
        raise error
    except Exception as raised:  # noqa: BLE001
        body = unpack(pack(failure.describe(raised, ["", 0, hop, place])))
    assert isinstance(body, dict)
    return body


def test_a_listed_class_comes_back_with_args_and_attributes() -> None:
    error = failure.restore(sent(Broken("pump")), 1, {f"{HERE}Broken"})
    assert isinstance(error, Broken)
    assert (str(error), error.what, error.args) == ("pump!", "pump", ("pump!",))


def test_a_class_that_is_not_listed_is_never_looked_up() -> None:
    error = failure.restore(sent(Broken("pump")), 1, set())
    assert isinstance(error, RemoteError)
    assert error.remote_type == f"{HERE}Broken"
    assert str(error) == f"{HERE}Broken: pump!"


def test_the_class_s_own_init_is_not_run() -> None:
    body = sent(Loud(1))
    before = Loud.made
    assert isinstance(failure.restore(body, 1, {f"{HERE}Loud"}), Loud)
    assert Loud.made == before


@pytest.mark.parametrize(
    "name", ["builtins:SystemExit", "builtins:print", "builtins:object", "os:system", "subprocess:Popen"]
)
def test_only_exceptions_are_made_of_a_name_from_the_wire(name: str) -> None:
    body = {**sent(ValueError("x")), "type": name}
    assert isinstance(failure.restore(body, 1, {"os:system", "subprocess:Popen"}), RemoteError)


def test_a_listed_name_that_is_no_exception_is_a_remote_error() -> None:
    body = {**sent(ValueError("x")), "type": f"{HERE}pytest"}
    assert isinstance(failure.restore(body, 1, {f"{HERE}pytest"}), RemoteError)


def test_hops_add_up_and_the_user_s_notes_stay() -> None:
    inner = Broken("pump")
    inner.add_note("call the plumber")
    arrived = failure.restore(sent(inner, "app:inner", "azure"), 1, {f"{HERE}Broken"})
    assert isinstance(arrived, Exception)
    error = failure.restore(sent(arrived, "app:outer", "knative"), 1, {f"{HERE}Broken"})
    plumber, trace = error.__notes__
    assert plumber == "call the plumber"
    assert trace.index("app:outer on knative") < trace.index("app:inner on azure")
    assert trace.count("raise error") == 2


def test_a_remote_error_keeps_its_first_name_through_another_hop() -> None:
    first = failure.restore(sent(Broken("pump")), 1, set())
    assert isinstance(first, Exception)
    assert isinstance(failure.restore(sent(first), 1, {f"{HERE}Broken"}), Broken)


def test_what_cannot_travel_is_left_out() -> None:
    error = Broken("pump")
    error.what = print  # type: ignore[assignment]
    back = failure.restore(sent(error), 1, {f"{HERE}Broken"})
    assert isinstance(back, Broken)
    assert not hasattr(back, "what")


def test_large_data_and_messages_are_cut() -> None:
    body = sent(ValueError("x" * 100_000))
    assert body["data"] is None
    assert len(str(body["msg"])) == failure.MAX_MESSAGE


def test_causes_are_carried_four_deep() -> None:
    error: Exception = ValueError(0)
    for depth in range(1, 10):
        outer = ValueError(depth)
        outer.__cause__ = error
        error = outer
    back: BaseException | None = failure.restore(sent(error), 1, ())
    depth = 0
    while back is not None:
        back, depth = back.__cause__, depth + 1
    assert depth == 1 + failure.MAX_CAUSES


def test_an_error_of_the_protocol_keeps_its_class_and_whether_it_ran() -> None:
    error = failure.restore(failure.refuse(DeadlineExceeded("late")), 0, ())
    assert isinstance(error, DeadlineExceeded)
    assert isinstance(error, TimeoutError)
    assert error.executed == 0
    assert isinstance(failure.restore(sent(Forbidden("no")), 1, ()), Forbidden)
