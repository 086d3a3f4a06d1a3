"""Google's Functions Framework, by hand."""

from typing import Any


def hyfn_entry(request: Any) -> dict[str, str]:
    return {"text": request.get_json()["text"].upper()}
