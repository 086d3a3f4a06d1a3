"""python -m hyfn, and the `hyfn` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. What everyone asks first is answered before anything else is imported."""
    if sys.argv[1:] == ["--version"]:
        from hyfn import __version__

        sys.stdout.write(f"hyfn {__version__}\n")
        return
    if sys.argv[1:] in ([], ["-h"], ["--help"]):
        from hyfn.cli import overview

        sys.stdout.write(overview.text())
        sys.exit(0 if sys.argv[1:] else 2)
    import io
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback while modules load; commands set their own
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may not know every letter
    from hyfn.cli.main import cli

    cli()


if __name__ == "__main__":
    main()
