"""Letters that are read, sorted and answered."""

# left out here: LetterError, Unreadable, grey, answer, classify, ingest, ocr



__all__ = ["LetterError", "Unreadable", "answer", "classify", "grey", "ingest", "ocr"]
