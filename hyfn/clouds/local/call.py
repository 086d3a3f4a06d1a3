"""Calls to a function's process on this machine: the HTTP carrier."""

from __future__ import annotations

from hyfn.call.http import HttpCaller

caller = HttpCaller()
