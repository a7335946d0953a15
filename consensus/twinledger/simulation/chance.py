"""Random sources: one for each part of the world, so that a draw in one never shifts another."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

Value = TypeVar("Value")


def source(seed: int, part: str) -> Random:
    """Return the part's own source. Text seeds are hashed with SHA-512, on every platform alike."""
    return Random(f"{seed}/{part}")  # noqa: S311 - replayable by design, guards no secret


def happens(random: Random, chance: float) -> bool:
    """Draw whether something of this chance happens."""
    return random.random() < chance


def log_uniform(random: Random, low: float, high: float) -> float:
    """Draw so that every order of magnitude between the bounds is equally likely."""
    return float(low * (high / low) ** random.random())


def sometimes(random: Random, values: Sequence[Value], usual: Value, share: float) -> Value:
    """Draw from `values` with probability `share`, otherwise return the usual one."""
    return random.choice(values) if happens(random, share) else usual
