"""Which tile a path names.

`tile/L/N` has the hashes number 256 N to 256 N + 255 of level 8 L of the tree, `tile/entries/N` the
entries of those leaves. A tile that is not full is asked for by its width, `.p/W`. N is written in
groups of three digits, all but the last after an x: 1234067 is x001/x234/067.
"""

import re
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 256
"""Hashes of a full tile."""
HEIGHT: Final = 8
"""Levels of the tree from one level of tiles to the next."""
_PATH: Final = re.compile(
    r"tile/(?P<level>entries|[0-9]|[1-5][0-9]|6[0-3])/"
    # Eighteen digits: more leaves than there can be.
    r"(?P<number>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile.

    Attributes:
        level: Of tiles, from the leaves up; None for the entries.
        number: Which of its level, from the left, from 0.
        width: How many hashes or entries of it, 1 to 256.
    """

    level: int | None
    number: int
    width: int

    @classmethod
    def parse(cls, path: str) -> "Tile | None":
        """Read a path below the log's prefix; None when it names no tile, or not as it must."""
        found = _PATH.fullmatch(path)
        if found is None:
            return None
        number = int(found["number"].replace("x", "").replace("/", ""))
        width = int(found["width"] or WIDTH)
        if number_path(number) != found["number"] or (found["width"] and width >= WIDTH):
            return None
        return cls(None if found["level"] == "entries" else int(found["level"]), number, width)

    @property
    def first(self) -> int:
        """The number of its first hash in the tree's level."""
        return WIDTH * self.number

    def within(self, size: int) -> bool:
        """Whether a tree of so many leaves holds all of it."""
        return self.first + self.width <= size >> HEIGHT * (self.level or 0)


def number_path(number: int) -> str:
    """How a tile's number is written."""
    digits = f"{number:d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
