"""The worker process: Microsoft's azure-functions-runtime behind the stream that the functions host serves.

Its front on Azure (the proxy worker) is on no registry; this does the part of it that the runtime needs. Runs in the
runtime's own environment, without hyfn; the artifact's import roots come first on sys.path, as they do on Azure.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
from typing import Any


class Request:
    """What the runtime's functions take."""

    __slots__ = ("name", "properties", "request")

    def __init__(self, name: str, request: Any, properties: dict[str, Any]) -> None:
        self.name = name
        self.request = request
        self.properties = properties


class Front:
    """Reads the host's requests from `stream` and writes the runtime's responses, invocations side by side."""

    def __init__(self, stream: Any, runtime: Any, protos: Any) -> None:
        self._stream = stream
        self._runtime = runtime
        self._protos = protos
        self._properties = {"protos": protos, "host": "127.0.0.1"}
        self._outbox: asyncio.Queue[Any] = asyncio.Queue()
        self._under_way: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    async def serve(self, worker_id: str) -> None:
        """Until the host ends the stream."""
        writer = asyncio.ensure_future(self._write())
        self.send(start_stream=self._protos.StartStream(worker_id=worker_id))
        async for message in self._stream:
            kind = message.WhichOneof("content")
            if kind == "invocation_request":
                self._begin(self._invoke(message))
            elif kind == "worker_terminate":
                break
            else:
                await self._answer(kind, message)
        writer.cancel()

    def send(self, **content: Any) -> None:
        """Safe from any thread."""
        message = self._protos.StreamingMessage(**content)
        if threading.get_ident() == self._thread:
            self._outbox.put_nowait(message)
        else:
            self._loop.call_soon_threadsafe(self._outbox.put_nowait, message)

    async def _write(self) -> None:
        while True:
            await self._stream.write(await self._outbox.get())

    def _begin(self, coroutine: Any) -> None:
        task = self._loop.create_task(coroutine)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _answer(self, kind: str, message: Any) -> None:
        answers = {
            "worker_init_request": "worker_init_response",
            "functions_metadata_request": "function_metadata_response",
            "function_load_request": "function_load_response",
        }
        if kind in answers:
            request = Request(kind, message, self._properties)
            self.send(**{answers[kind]: await getattr(self._runtime, kind)(request)})

    async def _invoke(self, message: Any) -> None:
        self._runtime.invocation_id_cv.set(message.invocation_request.invocation_id)
        request = Request("invocation_request", message, self._properties)
        self.send(invocation_response=await self._runtime.invocation_request(request))


class StreamHandler(logging.Handler):
    """Log records go to the host, as on Azure."""

    def __init__(self, front: Front, runtime: Any, protos: Any) -> None:
        super().__init__()
        self._front = front
        self._runtime = runtime
        self._protos = protos

    def emit(self, record: logging.LogRecord) -> None:
        try:
            log = self._protos.RpcLog(
                level=min(record.levelno // 10, 5),
                category=record.name,
                message=self.format(record),
                invocation_id=self._runtime.invocation_id_cv.get() or "",
            )
            self._front.send(rpc_log=log)
        except Exception:  # noqa: BLE001  (as every logging.Handler)
            self.handleError(record)


async def main(address: str, worker_id: str, roots: list[str]) -> None:
    import grpc  # type: ignore[import-not-found,import-untyped,unused-ignore]
    import grpc.aio  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from messages import METHOD, Messages  # type: ignore[import-not-found]

    # The user may have modules of these names.
    sys.path.remove(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100,PTH120
    del sys.modules["messages"]
    sys.path[:0] = roots
    import azure_functions_runtime as runtime  # type: ignore[import-not-found]

    protos = Messages()
    wait_for_host()
    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    async with grpc.aio.insecure_channel(address, options=unlimited) as channel:
        kind = protos.StreamingMessage
        open_stream = channel.stream_stream(METHOD, kind.SerializeToString, kind.FromString)
        front = Front(open_stream(), runtime, protos)
        log_to(StreamHandler(front, runtime, protos))
        runtime.start_threadpool_executor()
        with contextlib.suppress(grpc.aio.AioRpcError):  # the host has ended
            await front.serve(worker_id)


def wait_for_host() -> None:
    """Return when the host listens; from then on this process ends with it, whatever it is doing."""
    pipe = os.dup(0)
    if not os.read(pipe, 1):
        os._exit(0)
    with open(os.devnull) as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)

    def watch() -> None:
        os.read(pipe, 1)
        os._exit(0)

    threading.Thread(target=watch, name="host-watch", daemon=True).start()


def log_to(handler: logging.Handler) -> None:
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    # The runtime's own lines, several for each call, are system logs that Azure does not show to users.
    logging.getLogger("azure.functions").setLevel(logging.WARNING)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
    os._exit(0)  # without waiting for the user's threads
