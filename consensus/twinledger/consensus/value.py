"""How the core's values are made: immutable to the type checker, cheap to make when it runs."""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

Kind = TypeVar("Kind")


@dataclass_transform(frozen_default=True)
def value(kind: type[Kind]) -> type[Kind]:
    """Make a dataclass of slots with equality and a hash, frozen for mypy only.

    A frozen dataclass sets every field by way of `object.__setattr__`, which makes it three times
    as expensive; messages are made for every step of every node.
    """
    return dataclass(slots=True, unsafe_hash=True)(kind)
