"""Knative's func-python, by hand: what it does never blocks."""

import json
from typing import Any


class Function:
    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        body = message.get("body", b"")
        while message.get("more_body"):
            message = await receive()
            body += message.get("body", b"")
        answer = json.dumps({"text": json.loads(body)["text"].upper()}).encode()
        fields = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": answer})


def new() -> Function:
    return Function()
