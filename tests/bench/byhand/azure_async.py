"""Azure Functions, by hand: an async function."""

import json

import azure.functions as func  # type: ignore[import-not-found,unused-ignore]

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


async def shout(req: func.HttpRequest) -> func.HttpResponse:
    text = req.get_json()["text"].upper()
    return func.HttpResponse(json.dumps({"text": text}), mimetype="application/json")


app.function_name("shout")(app.route("shout", methods=["POST"])(shout))
