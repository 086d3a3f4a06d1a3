"""An action's doors on one loopback port, and the activations behind them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from threading import Event

from hyfn.clouds.openwhisk import doors
from hyfn.clouds.openwhisk.container import Action, Activation, Container, InitFailed, developer_error, new_id
from hyfn.clouds.openwhisk.doors import Asked, Door, Refused, Request, Response
from hyfn.toolchain.fleet import Fleet
from hyfn.toolchain.http1 import Connection, Message, Server, response

ID_HEADER = "x-openwhisk-activation-id"


class Front:
    """Has its port from the moment it is made; requests wait for `serve`."""

    def __init__(self, port: int = 0) -> None:
        self._is_served = Event()
        self._controller: Controller | None = None
        self._server = Server(self._answer, port)
        self.port = self._server.port

    def serve(self, controller: Controller) -> None:
        self._controller = controller
        self._is_served.set()

    def stop(self) -> None:
        """Close every socket. Safe to repeat."""
        self._server.stop()
        self._is_served.set()

    def _answer(self, connection: Connection, message: Message) -> None:
        self._is_served.wait()
        if self._controller is not None:
            connection.send(self._controller.answer(message))


class Controller:
    """Requests to responses. Safe in many threads."""

    def __init__(self, action: Action, doors: Sequence[Door], fleet: Fleet[Container], wait: float) -> None:
        """`wait` is how many seconds a caller is let wait for an activation."""
        self._action = action
        self._doors = doors
        self._fleet = fleet
        self._wait = wait
        self._threads = ThreadPoolExecutor(2 * fleet.limit, "activation")

    def answer(self, message: Message) -> bytes:
        """The whole response, with the id of the activation that it started."""
        path, _, query = message.target.partition("?")
        request = Request(message.method, path, query, message.headers, message.body)
        try:
            door, asked = self._at(request)
        except Refused as refused:
            return _whole(request, refused.response, "")
        activation_id = new_id()
        running = self._threads.submit(self._activate, activation_id, asked)
        return _whole(request, self._outcome(door, asked, activation_id, running), activation_id)

    def _at(self, request: Request) -> tuple[Door, Asked]:
        for door in self._doors:
            if (asked := door.asked(request, self._action)) is not None:
                return door, asked
        raise doors.refused(404, doors.NOT_FOUND)

    def _outcome(self, door: Door, asked: Asked, activation_id: str, running: Future[Activation | None]) -> Response:
        if not asked.is_blocking:
            return door.accepted(activation_id)
        try:
            activation = running.result(self._wait)
        except TimeoutError:
            return door.accepted(activation_id)
        if activation is None:
            said = f"Too many concurrent requests in flight (count: {self._fleet.limit}, allowed: {self._fleet.limit})."
            return doors.error(429, said)
        return door.response(self._action, asked, activation)

    def _activate(self, activation_id: str, asked: Asked) -> Activation | None:
        """None where there is no room for it."""
        try:
            with self._fleet.lent() as container:
                return None if container is None else container.run(activation_id, asked.params)
        except InitFailed as failed:
            return Activation(activation_id, *developer_error(failed.said))


def _whole(request: Request, answer: Response, activation_id: str) -> bytes:
    fields = {"Content-Type": answer.content_type, ID_HEADER: activation_id, **answer.headers}
    known = {status.value: status.phrase for status in HTTPStatus}
    status = f"{answer.status} {known.get(answer.status, '')}"
    body = b"" if request.method == "HEAD" else answer.body
    return response(status, {name: value for name, value in fields.items() if value}, body, answer.cookies)
