"""What the platform starts: hyfn's own HTTP host, on the port that the variable PORT names.

A platform that hands events to a handler instead translates them here (see hyfn.cloud.Host) for hyfn.host.run.runner().
"""

from __future__ import annotations


def main() -> None:
    from hyfn.host import container

    container.main("0.0.0.0")


if __name__ == "__main__":
    main()
