"""httpx as the transport of calls, for what plain sockets do not do: proxies, HTTP/2, client certificates.

from hyfn.call import transport
from hyfn.call.httpx_transport import HttpxTransport
transport.use(HttpxTransport(httpx.Client(proxy="http://proxy:3128")))
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

from hyfn.errors import NOT_EXECUTED, UNKNOWN, CallError, DeadlineExceeded, OutcomeUnknown, Unavailable
from hyfn.wire.carrier import Request, Response

if TYPE_CHECKING:
    import httpx


class HttpxTransport:
    """A Transport over httpx clients. httpx's timeouts are per operation: a blocking exchange may outlast its own."""

    def __init__(
        self, client: httpx.Client | None = None, make_async_client: Callable[[], httpx.AsyncClient] | None = None
    ) -> None:
        """An async client belongs to one event loop: `make_async_client` makes one for each that sends."""
        import httpx

        self._client = client or httpx.Client(trust_env=True)
        self._make = make_async_client or httpx.AsyncClient
        self._clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = (
            weakref.WeakKeyDictionary()
        )

    def send(self, request: Request, timeout: float) -> Response:
        import httpx

        try:
            sent = self._client.request(
                request.method,
                request.url,
                headers=dict(request.headers),
                content=request.body,
                timeout=timeout,
                follow_redirects=False,
            )
        except httpx.HTTPError as error:
            raise _translated(error) from error
        return _response(sent)

    async def asend(self, request: Request, timeout: float) -> Response:
        import httpx

        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            client = self._clients[loop] = self._make()
        try:
            async with asyncio.timeout(timeout):
                sent = await client.request(
                    request.method,
                    request.url,
                    headers=dict(request.headers),
                    content=request.body,
                    timeout=timeout,
                    follow_redirects=False,
                )
        except httpx.HTTPError as error:
            raise _translated(error) from error
        except TimeoutError as error:
            raise DeadlineExceeded("no answer in time", executed=UNKNOWN) from error
        return _response(sent)

    def close(self) -> None:
        """Close the blocking client. The others are closed by who made them."""
        self._client.close()


def _response(sent: httpx.Response) -> Response:
    return Response(sent.status_code, dict(sent.headers), sent.content)


def _translated(error: httpx.HTTPError) -> CallError:
    import httpx

    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return DeadlineExceeded(f"no connection in time: {error}", executed=NOT_EXECUTED)
    if isinstance(error, httpx.TimeoutException):
        return DeadlineExceeded("no answer in time", executed=UNKNOWN)
    if isinstance(error, httpx.ConnectError | httpx.ProxyError | httpx.UnsupportedProtocol):
        return Unavailable(f"no connection: {error}", executed=NOT_EXECUTED)
    return OutcomeUnknown(f"the exchange broke: {error}")
