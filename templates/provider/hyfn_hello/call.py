"""How a call is sent to the platform, and what its answer means. Travels to every caller. Opens no socket.

A platform with a door of its own has a class here with `request` and `reply` (see hyfn.cloud.Caller): what the platform
answers by itself becomes a CallError that says whether the function ran.
"""

from __future__ import annotations

from hyfn.call.http import HttpCaller

caller = HttpCaller()
