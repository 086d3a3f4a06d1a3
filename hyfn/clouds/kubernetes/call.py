"""Calls to Kubernetes: the HTTP carrier, and what an ingress in front of a function says itself. Opens no socket.

A Service alone says nothing: kube-proxy forwards connections, and where no pod is ready refuses them, which the
transport sees.
"""

from __future__ import annotations

from hyfn.call.proxied import ProxiedCaller
from hyfn.errors import Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hyfn.call.proxied import Beginnings

NEVER_FORWARDED: Beginnings = {
    503: (
        (b"<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>", Unavailable),
        (b"<html><body><h1>503 Service Unavailable</h1>\nNo server is available", Unavailable),
        (b"no available server", Unavailable),
        (b"no healthy upstream", Unavailable),
    ),
}
"""How nginx, HAProxy, Traefik and Envoy begin where they passed nothing on: a Service without a ready pod, or more
calls than they let through. A 502 of theirs proves nothing: the pod may have had the call before the connection broke.

nginx: ngx_http_error_503_page in src/http/ngx_http_special_response.c; it sends that page for `limit_req`, `limit_conn`
and `return`, and for upstreams that fail another. HAProxy: the errorfile 503, "no server was available to handle the
request" (its configuration manual, "4.2 errorfile"). Traefik: errNoAvailableServer of its load balancer."""

caller = ProxiedCaller("the cluster's ingress", NEVER_FORWARDED)
