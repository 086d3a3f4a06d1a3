"""AWS Lambda, by hand."""


def handler(event: dict[str, str], _context: object) -> dict[str, str]:
    return {"text": event["text"].upper()}
