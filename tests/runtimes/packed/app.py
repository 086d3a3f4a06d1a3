"""Functions whose dependencies are hard to package, each in its own way."""

from __future__ import annotations

import io
from pathlib import Path

import pyaes
import yaml
from google.protobuf.timestamp_pb2 import Timestamp
from jinja2 import Environment, FileSystemLoader
from PIL import Image
from sklearn.cluster import KMeans

import pandas as pd
from hyfn import aws, azure, gcp, knative, local

HERE = Path(__file__).parent


@aws
def clusters(points: list[tuple[float, float]], count: int) -> list[int]:
    frame = pd.DataFrame(points, columns=["x", "y"])
    return [int(each) for each in KMeans(count, n_init=1, random_state=1).fit_predict(frame.to_numpy())]


@gcp
def page(name: str) -> str:
    return Environment(loader=FileSystemLoader(HERE / "pages"), autoescape=True).get_template("hello.html").render(name=name)


@azure
def seal(text: bytes, key: bytes) -> bytes:
    return pyaes.AESModeOfOperationCTR(key).encrypt(text)


@knative
def stamp(seconds: int) -> str:
    return str(Timestamp(seconds=seconds).ToJsonString())


@local
def setting(text: str, name: str) -> str:
    return str(yaml.safe_load(text)[name])


@aws
def size(image: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(image)).size


def main() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (3, 2)).save(buffer, "PNG")
    assert size(buffer.getvalue()) == (3, 2)
    first, _, other, _ = clusters([(0, 0), (0, 1), (9, 9), (9, 8)], 2)
    assert first != other
    assert page("<you>") == "<p>Hello, &lt;you&gt;</p>"
    assert seal(seal(b"ink", b"k" * 16), b"k" * 16) == b"ink"
    assert stamp(0) == "1970-01-01T00:00:00Z"
    assert setting("ink: blue", "ink") == "blue"
    print("all packaged")


if __name__ == "__main__":
    main()
