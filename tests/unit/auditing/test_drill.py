"""Every kind of damage to a folder is found at start or by an audit."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from twinledger.cli.verbs import root
from twinledger.node.auditing.damage import ADVICE


@pytest.fixture(scope="module")
def exercises(sound: Path) -> list[dict[str, Any]]:
    told = CliRunner().invoke(root, ["node", "drill", str(sound), "--json"])
    assert told.exit_code == 0, told.output
    return list(json.loads(told.stdout))


def test_every_damage_is_found_but_to_what_nothing_rests_on(exercises: list[dict[str, Any]]):
    missed = {exercise["damaged"] for exercise in exercises if not exercise["found_by"]}
    assert missed <= ADVICE.keys()
    assert {e["found_by"] for e in exercises} == {"start-up", "audit", None}
    assert {e["code"] for e in exercises if e["found_by"]} == {"DATA_DAMAGED"}


def test_every_kind_of_record_and_file_is_damaged(exercises: list[dict[str, Any]]) -> None:
    kinds = {e["damaged"] for e in exercises}
    assert {"chain/*.log", "chain/*.ldb", "chain/MANIFEST-*", "chain/CURRENT"} <= kinds
    assert {"manifest of a snapshot", "chunk of a snapshot"} <= kinds
    assert {"log/*.log", "log/*.ldb", "folder", "boot", "genesis.json", "log.marker"} <= kinds
    for how in ("a byte flipped", "lost"):
        records = [e for e in exercises if ": " in e["damaged"] and e["how"] == how]
        assert len(records) >= 16
