"""What `hyfn --help` says. Without click, which costs 30 ms: everyone reads this first."""

from __future__ import annotations

COMMANDS = {
    "new": "Start a project from a template.",
    "check": "Find what is wrong, without building or an account.",
    "build": "Package each function for its platform.",
    "lock": "Choose the exact files of each target anew, or newer ones.",
    "run": "Run a script against its functions, each in its vendor's runtime.",
    "dev": "Keep a project's functions up behind a port; rebuild what changes.",
    "call": "Call one function.",
    "emit": "Wake functions by an event, as their platforms would.",
    "ship": "Make every function live on its platform, by one plan.",
    "status": "Say what is live of a stage, and what somebody else changed.",
    "releases": "List what was shipped, newest first.",
    "rollback": "Make an older release live again.",
    "destroy": "Take everything of a stage away.",
    "graph": "Print who may call whom.",
    "export": "Describe the functions under @on.http for others (OpenAPI).",
    "cache": "Say what hyfn keeps on this machine, or remove what is unused.",
    "doctor": "Say what this machine has of what hyfn needs.",
    "demo": "Run examples/invoices across platforms here, and time each call.",
}
SUMMARY = "One Python application whose functions live on several serverless platforms."


def text() -> str:
    """At most 80 columns wide."""
    width = max(map(len, COMMANDS))
    return "\n".join(
        [
            "Usage: hyfn [OPTIONS] COMMAND [ARGS]...",
            "",
            f"  {SUMMARY}",
            "",
            "Options:",
            "  --version   Show the version and exit.",
            "  -h, --help  Show this message and exit, after a COMMAND that command's.",
            "",
            "Commands:",
            *(f"  {name.ljust(width)}  {summary}" for name, summary in COMMANDS.items()),
            "",
        ]
    )
