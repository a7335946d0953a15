"""docs/consensus.md names files and tests that exist, and leaves no scenario out."""

import re
from pathlib import Path

import pytest

from tests.mutants.catalogue import MUTANTS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/consensus.md").read_text(encoding="utf-8")
SOURCES = ("consensus/twinledger/consensus", "consensus/twinledger/simulation", "node/twinledger")
WORD = re.compile(r"[a-z_0-9/]+")


def features() -> list[list[str]]:
    """Return the rows of the table of features: what, files, tests."""
    table = PAGE.split("| feature | file | test |\n|---|---|---|\n")[1].split("\n\n")[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()]


def named(cell: str) -> list[str]:
    """Return the names in a cell, without what stands in brackets."""
    return WORD.findall(re.sub(r"\([^)]*\)", "", cell))


def exists(name: str, *folders: str) -> bool:
    """Return whether a module of this name stands in one of the folders, at any depth."""
    return (ROOT / name).exists() or any(
        next((ROOT / folder).rglob(f"{name}.py"), None) for folder in folders
    )


@pytest.mark.parametrize("row", features(), ids=lambda row: row[0][:40])
def test_every_feature_names_files_and_tests_that_exist(row: list[str]) -> None:
    feature, files, tests = row
    assert named(files), feature
    assert named(tests), feature
    assert [name for name in named(files) if not exists(name, *SOURCES)] == []
    assert [name for name in named(tests) if not exists(name, "tests")] == []


def test_every_scenario_guards_a_feature() -> None:
    guards = {name for _, _, tests in features() for name in named(tests)}
    scenarios = {path.stem for path in (ROOT / "tests/scenarios").glob("test_*.py")}
    assert scenarios - guards == set()


def test_every_file_of_the_core_stands_in_the_table_or_only_holds_words() -> None:
    words = {"__init__", "types", "value", "errors", "configuration", "messages", "invariant"}
    faces = {"ready", "settings", "dropped"}
    core = {path.stem for path in (ROOT / SOURCES[0]).glob("*.py")}
    told = {name for _, files, _ in features() for name in named(files)}
    assert core - told - words - faces == set()


def test_the_page_counts_the_mutants() -> None:
    (count,) = re.findall(r"all (\d+) wrong edits", PAGE)
    assert int(count) == len(MUTANTS)
