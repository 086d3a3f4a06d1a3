class LetterError(Exception):
    """Whatever is wrong with a letter."""


# left out here: Unreadable





class Unanswerable(LetterError):
    """Nobody knows what to say."""
