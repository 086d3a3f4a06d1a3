"""The actionloop launcher of a Python action, written from the specification: no vendor's code is in it.

What was verified in docs/actions-actionloop.md of apache/openwhisk, and in lib/launcher.py, bin/compile and the
Dockerfiles of apache/openwhisk-runtime-python:

* __main__.py is imported as the module main__, from the action's folder, which is the working directory and the first
  import root. If that fails the process ends, and the traceback is in the log.
* With __OW_WAIT_FOR_ACK set, {"ok": true} is the first line on file descriptor 3.
* Each line on standard input is a JSON object. Its "value" are the parameters; every other key becomes the environment
  variable __OW_ and the key in capitals.
* `main` is called with the parameters. What it raises is printed, and the result is {"error": "<text>"}. The result is
  one line of JSON on file descriptor 3, after which standard output and error are flushed. A result that JSON does not
  have ends the process, as does the end of standard input.

Started as: python launcher.py <the action's folder>
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

SCRIPT, MODULE, TARGET = "__main__.py", "main__", "main"


def action(folder: str) -> Callable[[Any], Any]:
    """`main` of the action in `folder`."""
    sys.path[0] = folder
    spec = importlib.util.spec_from_file_location(MODULE, os.path.join(folder, SCRIPT))  # noqa: PTH118
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    spec.loader.exec_module(module)
    found: Callable[[Any], Any] = getattr(module, TARGET)
    return found


def loop(main: Callable[[Any], Any], out: BinaryIO) -> None:
    while line := sys.stdin.readline():
        value: Any = {}
        for key, given in json.loads(line).items():
            if key == "value":
                value = given
            else:
                os.environ[f"__OW_{key.upper()}"] = given
        try:
            result = main(value)
        except Exception as error:  # noqa: BLE001  (an action may raise anything)
            traceback.print_exc()
            result = {"error": str(error)}
        tell(out, result)


def tell(out: BinaryIO, result: object) -> None:
    out.write(json.dumps(result, ensure_ascii=False).encode() + b"\n")
    sys.stdout.flush()
    sys.stderr.flush()
    out.flush()


if __name__ == "__main__":
    answers = os.fdopen(3, "wb")
    main = action(sys.argv[1])
    if os.environ.get("__OW_WAIT_FOR_ACK"):
        tell(answers, {"ok": True})
    loop(main, answers)
