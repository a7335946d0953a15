"""Reads the datadriven files of etcd-io/raft: commands with the output they must give."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

VECTORS = Path(__file__).resolve().parents[4] / "shared" / "vectors" / "raft"
QUORUM_FILES = ("joint_commit", "joint_vote", "majority_commit", "majority_vote")
CHANGE_FILES = (
    "joint_autoleave",
    "joint_idempotency",
    "joint_learners_next",
    "joint_safety",
    "simple_idempotency",
    "simple_promote_demote",
    "simple_safety",
    "update",
    "zero",
)


@dataclass(frozen=True)
class Case:
    """One command, its further input lines, and what must come out."""

    line: int
    command: str
    body: tuple[str, ...]
    expected: tuple[str, ...]


def read_cases(folder: str, name: str) -> list[Case]:
    """Return the cases of one file; skip the test where the vectors are not at hand."""
    path = VECTORS / folder / f"{name}.txt"
    if not path.is_file():
        pytest.skip(f"the vectors of etcd-io/raft are not at hand: {folder}/{name}.txt")
    return list(_parse(path.read_text(encoding="utf-8").splitlines()))


def _parse(lines: list[str]) -> Iterator[Case]:
    numbered = [(n, text) for n, text in enumerate(lines, 1) if not text.startswith("#")]
    block: list[tuple[int, str]] = []
    for number, text in [*numbered, (0, "")]:
        if text.strip():
            block.append((number, text.strip()))
        elif block:
            yield _case(block)
            block = []


def _case(block: list[tuple[int, str]]) -> Case:
    texts = [text for _, text in block]
    cut = texts.index("----")
    return Case(block[0][0], texts[0], tuple(texts[1:cut]), tuple(texts[cut + 1 :]))
