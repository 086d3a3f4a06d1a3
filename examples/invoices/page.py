"""Pages: bitmaps in the plain PBM format, with letters of 3 × 5 pixels. A page can be drawn, and read again."""

from __future__ import annotations

UNKNOWN = "?"
"""What is read where the pixels are no letter."""

GLYPHS = {
    "A": "010 101 111 101 101",
    "B": "110 101 110 101 110",
    "C": "011 100 100 100 011",
    "D": "110 101 101 101 110",
    "E": "111 100 110 100 111",
    "F": "111 100 110 100 100",
    "G": "011 100 101 101 011",
    "H": "101 101 111 101 101",
    "I": "111 010 010 010 111",
    "J": "001 001 001 101 010",
    "K": "101 101 110 101 101",
    "L": "100 100 100 100 111",
    "M": "101 111 111 101 101",
    "N": "110 101 101 101 101",
    "O": "010 101 101 101 010",
    "P": "110 101 110 100 100",
    "Q": "010 101 101 111 011",
    "R": "111 101 110 101 101",
    "S": "011 100 010 001 110",
    "T": "111 010 010 010 010",
    "U": "101 101 101 101 111",
    "V": "101 101 101 101 010",
    "W": "101 101 111 111 101",
    "X": "101 101 010 101 101",
    "Y": "101 101 010 010 010",
    "Z": "111 001 010 100 111",
    "0": "111 101 101 101 111",
    "1": "010 110 010 010 111",
    "2": "110 001 010 100 111",
    "3": "110 001 010 001 110",
    "4": "101 101 111 001 001",
    "5": "111 100 110 001 110",
    "6": "011 100 111 101 111",
    "7": "111 001 001 010 010",
    "8": "111 101 111 101 111",
    "9": "111 101 111 001 110",
    ".": "000 000 000 000 010",
    "-": "000 000 111 000 000",
    ":": "000 010 000 010 000",
    "/": "001 001 010 100 100",
    " ": "000 000 000 000 000",
}
WIDTH, HEIGHT = 4, 6
"""Pixels of a letter with the gap beside it and below it."""

LETTERS = {tuple(rows.split()): letter for letter, rows in GLYPHS.items()}


def draw(text: str) -> bytes:
    """The page that shows `text`, one row of letters for each line. Raises KeyError for a letter without a shape."""
    lines = text.upper().splitlines()
    columns = max(map(len, lines), default=0)
    rows = [
        "".join(GLYPHS[letter].split()[row] + "0" for letter in line.ljust(columns)) if row < HEIGHT - 1 else ""
        for line in lines
        for row in range(HEIGHT)
    ]
    pixels = "\n".join(row.ljust(columns * WIDTH, "0") for row in rows)
    return f"P1\n{columns * WIDTH} {len(rows)}\n{pixels}\n".encode()


def read(page: bytes) -> str:
    """The text on `page`, UNKNOWN where there is no letter that we know. Raises ValueError for what is no page."""
    rows = _pixels(page)
    lines = (rows[top : top + HEIGHT - 1] for top in range(0, len(rows), HEIGHT))
    return "\n".join(_line(line).rstrip() for line in lines)


def _pixels(page: bytes) -> list[str]:
    try:
        magic, size, *rows = page.decode("ascii").splitlines()
        width, height = map(int, size.split())
    except ValueError:
        raise ValueError("not a page: it has no header of a plain PBM bitmap") from None
    if magic != "P1" or len(rows) != height or any(len(row) != width for row in rows):
        raise ValueError(f"not a page of {width} × {height} pixels")
    return rows


def _line(rows: list[str]) -> str:
    cells = (tuple(row[left : left + WIDTH - 1] for row in rows) for left in range(0, len(rows[0]), WIDTH))
    return "".join(LETTERS.get(cell, UNKNOWN) for cell in cells)
