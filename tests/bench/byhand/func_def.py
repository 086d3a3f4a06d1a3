"""Knative's func-python, by hand, for work that may block: a thread does it, as hyfn has it of a plain `def`."""

import asyncio
import json
from typing import Any


class Function:
    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        body = message.get("body", b"")
        while message.get("more_body"):
            message = await receive()
            body += message.get("body", b"")
        text = await asyncio.to_thread(work, json.loads(body)["text"])
        answer = json.dumps({"text": text}).encode()
        fields = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": answer})


def work(text: str) -> str:
    return text.upper()


def new() -> Function:
    return Function()
