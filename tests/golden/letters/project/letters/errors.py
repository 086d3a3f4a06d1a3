class LetterError(Exception):
    """Whatever is wrong with a letter."""


class Unreadable(LetterError):
    def __init__(self, page: int) -> None:
        super().__init__(f"page {page} cannot be read")
        self.page = page


class Unanswerable(LetterError):
    """Nobody knows what to say."""
