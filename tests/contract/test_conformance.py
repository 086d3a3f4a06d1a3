"""Every cloud by one body: the suite that packages of others are tested by too."""

from __future__ import annotations

from hyfn import clouds
from hyfn.testing.conformance import Conformance

for _name in sorted(clouds.platforms()):
    globals()[f"Test_{_name}"] = type(f"Test_{_name}", (Conformance,), {"platform": _name, "__module__": __name__})
