"""The demonstration on four real nodes, small: it says what it must, and cannot be fooled."""

import json
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from twinledger.client.chain_records import Block
from twinledger.demos.water import command
from twinledger.demos.water.chain import read_chain
from twinledger.demos.water.tally import BlockContents

SMALL = ["--steps", "4", "--json"]


def run_demo(*arguments: str) -> Result:
    return CliRunner().invoke(command, [*SMALL, *arguments])


def test_a_small_day_is_kept_exactly_once_through_the_loss_of_the_leader(tmp_path: Path) -> None:
    done = run_demo("--dir", str(tmp_path / "devnet"))
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["ok"] is True
    assert told["transactions_acknowledged"] == told["transactions_found"] > 4 * 56
    assert (told["transactions_lost"], told["transactions_duplicated"]) == (0, 0)
    assert told["readings_found"] == told["readings_sent"] == 4 * 216
    assert len({(node["height"], node["head"]) for node in told["nodes"]}) == 1
    assert {node["member"] for node in told["nodes"]} == {
        *("utility", "maintenance", "sensors", "regulator"),
    }
    assert told["leader_after"] != told["leader_killed"]
    assert told["seconds_without_leader"] > 0
    check_history(told["history"]["levels"])
    assert told["downstream"]["count"] == 138


def check_history(levels: list[dict[str, float]]) -> None:
    times = [entry["observed_at_us"] for entry in levels]
    assert len(times) == 4
    assert times == sorted(set(times))
    assert levels[0]["level_m"] == pytest.approx(3.993, abs=0.001)


def test_hiding_one_acknowledged_transaction_from_the_count_fails_the_demonstration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one node only, one transaction only: what the other three hold does not make up for it."""
    nodes_read = 0

    async def hide_one(
        blocks: AsyncIterable[Block], chain_id: bytes
    ) -> AsyncIterator[BlockContents]:
        nonlocal nodes_read
        nodes_read += 1
        hide = nodes_read == 3
        async for contents in read_chain(blocks, chain_id):
            if hide and contents.committed:
                hide = False
                yield replace(contents, committed=contents.committed[1:])
            else:
                yield contents

    monkeypatch.setattr("twinledger.demos.water.reading_back.read_chain", hide_one)
    done = run_demo("--dir", str(tmp_path / "devnet"))
    assert done.exit_code == 1
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    assert nodes_read == 4
    assert told["ok"] is False
    assert told["transactions_lost"] == 1
    assert told["failures"] == ["1 acknowledged transactions are lost"]
    assert "1 acknowledged transactions are lost" in done.stderr
