"""What Azure's host makes of a cookie that a function sets."""

from __future__ import annotations

from datetime import UTC
from email.utils import format_datetime
from typing import Any

SAME_SITE = ("", "Lax", "Strict", "None")
"""By the numbers of RpcHttpCookie.SameSite, of which the first says nothing."""


def written(cookie: Any) -> str:
    """A value of Set-Cookie from an RpcHttpCookie."""
    parts = [f"{cookie.name}={cookie.value}"]
    if cookie.HasField("expires") and cookie.expires.WhichOneof("timestamp"):
        expires = cookie.expires.value.ToDatetime(tzinfo=UTC)
        parts.append(f"Expires={format_datetime(expires, usegmt=True)}")
    if cookie.HasField("max_age") and cookie.max_age.WhichOneof("double"):
        parts.append(f"Max-Age={cookie.max_age.value:.0f}")
    parts += [
        f"{name}={field.value}" for name, field in (("Domain", cookie.domain), ("Path", cookie.path)) if field.value
    ]
    parts += ["Secure"] if cookie.secure.value else []
    parts += ["HttpOnly"] if cookie.http_only.value else []
    parts += [f"SameSite={SAME_SITE[cookie.same_site]}"] if cookie.same_site else []
    return "; ".join(parts)
