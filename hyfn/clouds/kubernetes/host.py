"""What runs in a container on Kubernetes: hyfn's own host."""

from __future__ import annotations

from os import environ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hyfn.host.run import Runner


def new() -> Runner:
    """The artifact that this process runs. Imports the user's module."""
    from hyfn.host.run import runner

    return runner()


def main() -> None:
    """Serve the artifact. Listens on every address where the platform says that this is its container.

    Every pod is told where its cluster is: https://kubernetes.io/docs/concepts/services-networking/service/
    """
    from hyfn.host import container

    container.main("0.0.0.0" if "KUBERNETES_SERVICE_HOST" in environ else "127.0.0.1")  # noqa: S104


if __name__ == "__main__":
    main()
