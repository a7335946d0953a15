"""Every kind of damage to a folder is found at start or by an audit."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from scripts.benchmark.chain import Chain
from twinledger.cli.verbs import root
from twinledger.node.auditing.damage import ADVICE, damages
from twinledger.node.auditing.drill import exercise
from twinledger.storage.folder_copy import copy_folder


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


def test_damage_to_the_smallest_tables_is_found(tmp_path: Path) -> None:
    """Their filter, without which LevelDB goes on and says nothing, lies in their middle."""
    folder, opened, damaged = tmp_path / "folder", tmp_path / "opened", tmp_path / "damaged"
    Chain.create(folder).close()
    Chain.open(folder).close()  # LevelDB makes tables of its logs when it opens
    copy_folder(folder, opened)
    tables = [each for each in damages(folder, opened) if each.what.endswith("*.ldb")]
    assert "log/*.ldb" in {each.what for each in tables}
    for damage in tables:
        copy_folder(folder, damaged)
        damage.do(damaged)
        assert exercise(damage, damaged, tmp_path / "started").found_by, damage.what
        shutil.rmtree(damaged)
