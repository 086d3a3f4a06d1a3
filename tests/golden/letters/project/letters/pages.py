import io

import numpy as np
from PIL import Image

from .errors import Unreadable
from .models import Histogram


def grey(page: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(page)).convert("L"))


def histogram(page: bytes) -> Histogram:
    if not page:
        raise Unreadable(1)
    return Histogram(np.bincount(grey(page).ravel()))
