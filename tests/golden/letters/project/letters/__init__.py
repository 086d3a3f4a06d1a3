"""Letters that are read, sorted and answered."""

from .errors import LetterError, Unreadable
from .pages import grey
from .steps import answer, classify, ingest, ocr

__all__ = ["LetterError", "Unreadable", "answer", "classify", "grey", "ingest", "ocr"]
