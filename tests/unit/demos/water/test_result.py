"""What a run says of itself, to a person and to a program."""

import json
from collections import Counter
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from twinledger.demos.water.report import show
from twinledger.demos.water.result import Downstream, LeaderLoss, LevelReading, Result
from twinledger.demos.water.tally import NodeChain, Tally, tally

NODES = {"utility-1": "utility", "regulator-1": "regulator"}
IDS = [b"a" * 32, b"b" * 32]


def counted(effects: list[bytes] = IDS, head: bytes = b"h" * 32, updates: int = 8) -> NodeChain:
    return NodeChain(5, head, Counter(effects), updates)


def result_of(count: Tally) -> Result:
    return Result(
        tally=count,
        members=NODES,
        readings_sent=8,
        seconds=2.0,
        loss=LeaderLoss("utility-1", "regulator-1", 1.25, 1.5),
        tank="tank-1",
        history=tuple(
            LevelReading(version, version * 900_000_000, 3.5, "utility/gateway-07", version + 9)
            for version in range(2, 99)
        ),
        downstream=Downstream("pump-10", (("pump-10",), ("junction-10",))),
    )


CLEAN = result_of(tally(IDS, {node: counted() for node in NODES}))


def shown(result: Result) -> str:
    console = Console(file=StringIO(), width=120)
    show(result, console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_a_clean_run_has_no_failures() -> None:
    assert CLEAN.failures() == []
    assert CLEAN.to_json()["ok"] is True
    assert CLEAN.readings_per_second == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("spoilt", "sentence"),
    [
        (counted(effects=IDS[:1]), "1 acknowledged transactions are lost"),
        (counted(effects=[*IDS, IDS[0]]), "1 transactions took effect twice"),
        (counted(head=b"x" * 32), "the nodes' heads differ"),
        (counted(updates=7), "7 readings are found of 8 sent"),
    ],
)
def test_every_claim_that_fails_is_named(spoilt: NodeChain, sentence: str) -> None:
    result = result_of(tally(IDS, {"utility-1": counted(), "regulator-1": spoilt}))
    assert result.failures() == [sentence]
    assert result.to_json()["failures"] == [sentence]
    assert result.to_json()["ok"] is False


def test_the_table_tells_every_claim() -> None:
    text = shown(CLEAN)
    for words in (
        "utility-1",
        "regulator-1",
        "6868686868686868…",
        "acknowledged",
        "lost",
        "1.25 s",
    ):
        assert words in text
    assert "duplicated" in text
    assert "differs" not in text


def test_a_node_that_differs_is_marked() -> None:
    chains = {"utility-1": counted(), "regulator-1": counted(head=b"x" * 32)}
    assert "differs" in shown(result_of(tally(IDS, chains)))


def test_the_history_shows_its_first_and_its_last_entry() -> None:
    text = shown(CLEAN)
    assert " 2  " in text
    assert " 98  " in text
    assert "utility/gateway-07" in shown(replace(CLEAN, history=CLEAN.history[:1]))


def test_the_object_for_programs_is_json() -> None:
    told = json.loads(json.dumps(CLEAN.to_json()))
    assert told["transactions_lost"] == 0
    assert [node["name"] for node in told["nodes"]] == list(NODES)
    assert len(told["history"]["levels"]) == 97
