"""Names are taken out of letters on Apache OpenWhisk, in one's own cluster, before anybody else reads them."""

import re

from hyfn import openwhisk


@openwhisk(memory=128)
def pseudonymise(text: str, names: list[str]) -> str:
    """`text` with each of `names` replaced by its place in the list: person 1, person 2."""
    for number, name in enumerate(names, 1):
        text = re.sub(rf"\b{re.escape(name)}\b", f"person {number}", text)
    return text


if __name__ == "__main__":
    print(pseudonymise("Ada wrote to Grace.", ["Ada", "Grace"]))
