"""The platform does what every one does, by hyfn's own suite."""

from __future__ import annotations

from hyfn.testing.conformance import Conformance


class TestConformance(Conformance):
    platform = "hello"
