"""The suite that every cloud is tested by, hyfn's own and those from other packages:

    from hyfn.testing.conformance import Conformance

    class TestNuclio(Conformance):
        platform = "nuclio"

It builds an application for the platform, starts it by the cloud's emulator, once for the class, and calls it.
"""

from __future__ import annotations

from hyfn.errors import MachineError

try:
    import pytest
except ModuleNotFoundError as error:
    raise MachineError("the conformance suite runs under pytest", hint="pip install 'hyfn[testing]'") from error

# Before they are imported, so that a failed assert says what it compared.
pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in ("artifacts", "calls", "refusals", "rooms")))

from hyfn.testing.conformance.artifacts import Artifacts  # noqa: E402
from hyfn.testing.conformance.calls import Calls  # noqa: E402
from hyfn.testing.conformance.refusals import Refusals  # noqa: E402
from hyfn.testing.conformance.rooms import Rooms  # noqa: E402

__all__ = ["Conformance"]


class Conformance(Rooms, Artifacts, Calls, Refusals):
    """Everything that is true of every cloud. A class of one's own derives from it and names its `platform`."""
