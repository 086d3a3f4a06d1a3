"""Account numbers are masked in one's own cluster, on OpenShift, before anybody else sees them."""

import re

from hyfn import openshift


@openshift(min_instances=0)
def mask(text: str) -> str:
    """`text` with all but the last four digits of each longer number hidden."""
    return re.sub(r"\d{5,}", lambda found: found[0][-4:].rjust(len(found[0]), "*"), text)


if __name__ == "__main__":
    print(mask("Please charge account 1234567890."))
