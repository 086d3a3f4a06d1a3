"""What runs in a function's process on this machine: hyfn's own host, on loopback."""

from __future__ import annotations


def main() -> None:
    from hyfn.host import container

    container.main("127.0.0.1")


if __name__ == "__main__":
    main()
