"""A host's doors: what a platform's own paths mean is the door's to say, and all else stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hyfn.errors import TooLarge
from hyfn.host.door import Frames, Nothing
from hyfn.host.serve import Limits, Server
from hyfn.wire.carrier import Answer
from hyfn.wire.frame import CONTENT_TYPE
from tests.unit.test_serve import Client, Gate, echo, post, serving

if TYPE_CHECKING:
    from hyfn.host.door import Doors


class Bare:
    """A carrier without statuses or content types."""

    @staticmethod
    def receive(method: str, content_type: str, body: bytes) -> bytes:
        return body

    @staticmethod
    def answer(answer: Answer) -> tuple[int, str, bytes]:
        return 200, "application/octet-stream", answer.frame or answer.code.encode()


DOORS: Doors = {"/event": Frames(lambda body: Answer(200, b"event " + body), Bare()), "/begin": Nothing()}


def test_each_path_has_its_own_door() -> None:
    with serving(doors=DOORS) as server, Client(server) as client:
        client.send(post() + post(target="/event") + post(target="/begin"))
        assert client.response()[2] == b"echo hello"
        status, fields, body = client.response()
        assert (status, fields["content-type"], body) == (200, "application/octet-stream", b"event hello")
        assert client.response()[::2] == (200, b"")


def test_a_query_does_not_change_the_door() -> None:
    with serving(doors=DOORS) as server, Client(server) as client:
        client.send(post(target="/event?x=1"))
        assert client.response()[2] == b"event hello"


@pytest.mark.parametrize("target", ["/event/", "/Event", "//event", "/begin/x", "/x"])
def test_a_path_without_a_door_is_refused(target: str) -> None:
    with serving(doors=DOORS) as server, Client(server) as client:
        client.send(post(target=target))
        assert client.response()[::2] == (404, b"NO_SUCH_FUNCTION")


@pytest.mark.parametrize("target", ["/", "/event"])
def test_only_post_carries_a_call(target: str) -> None:
    with serving(doors=DOORS) as server, Client(server) as client:
        client.send(f"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        assert client.response()[2] == b"MALFORMED"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_hook_hears_200(method: str) -> None:
    with serving(doors=DOORS) as server, Client(server) as client:
        client.send(f"{method} /begin HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        assert client.response()[::2] == (200, b"")


def test_the_host_refuses_in_the_doors_own_form() -> None:
    with serving(doors=DOORS, body=10) as server, Client(server) as client:
        client.send(post(bytes(11), target="/event"))
        assert client.response()[::2] == (200, TooLarge.code.encode())


def test_calls_at_all_doors_share_the_room() -> None:
    gate = Gate()
    with serving(gate, doors=DOORS, in_flight=1) as server, Client(server) as busy, Client(server) as other:
        busy.send(post())
        assert gate.entered.acquire(timeout=5)
        other.send(post(target="/event"))
        assert other.response()[::2] == (200, b"OVERLOADED")
        gate.open.set()
        assert busy.response()[0] == 200


def test_a_door_at_the_root_takes_the_place_of_that_for_frames() -> None:
    server = Server(echo, "127.0.0.1", 0, Limits(), {"/": Nothing()})
    assert isinstance(server.doors["/"], Nothing)
    server.stop()
    server.run()


def test_the_root_takes_nothing_but_frames() -> None:
    with serving(doors=DOORS) as server, Client(server) as client:
        client.send(post().replace(CONTENT_TYPE.encode(), b"application/octet-stream"))
        assert client.response()[::2] == (415, b"UNSUPPORTED_ENCODING")
