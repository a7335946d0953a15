"""The verbs of `twin`: what they send and what they print."""

import json
from typing import Any

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.client.fake_node import FakeNode
from twinledger.client import Operation, Timestamp, Value, operations
from twinledger.ledger.transaction import operation_messages
from twinledger.v1 import transaction_pb2


def sent(node: FakeNode) -> Operation:
    """The operation of the last transaction."""
    body = transaction_pb2.SignedTransaction.FromString(node.received[-1]).body
    (operation,) = operation_messages(body)
    return operation


def test_create_sends_values_as_they_are_meant(talk: Run, node: FakeNode) -> None:
    values = ["flow=12.5", "count=13", "state=on", "on=true", "note=null", 'raw={"$bytes":"aGk="}']
    done = talk(
        *("twin", "create", "pump-7", *values, 'at={"$time_us": 5}', "text=a=b"),
        *("--model", "dtmi:x:Pump;1", "--desired", "flow=15.0"),
        *("--observed-at", "1970-01-01T00:00:01Z"),
    )
    assert done.exit_code == 0, done.stderr
    reported: dict[str, Value] = {
        "flow": 12.5,
        "count": 13,
        "state": "on",
        "on": True,
        "note": None,
        "raw": b"hi",
        "at": Timestamp(5),
        "text": "a=b",
    }
    changes = operations.changes_of(reported=reported, desired={"flow": 15.0})
    expected = operations.create_twin(
        "pump-7", changes, model="dtmi:x:Pump;1", observed_at=1_000_000
    )
    assert sent(node) == expected


def test_set_sends_every_kind_of_change(talk: Run, node: FakeNode) -> None:
    done = talk(
        *("twin", "set", "pump-7", "flow=13.0", "--delete", "note", "--increment", "starts=1"),
        *("--increment", "hours=0.5", "--desired", "flow=15.0", "--expected-version", "3"),
    )
    assert done.exit_code == 0, done.stderr
    changes = operations.changes_of(
        reported={"flow": 13.0},
        delete=["note"],
        increment={"starts": 1, "hours": 0.5},
        desired={"flow": 15.0},
    )
    assert sent(node) == operations.update_twin("pump-7", changes, expected_version=3)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("relate", "a", "feeds", "b"), operations.relate("a", "feeds", "b")),
        (
            ("unrelate", "a", "feeds", "b", "--expected-version", "2"),
            operations.unrelate("a", "feeds", "b", expected_version=2),
        ),
        (("retire", "a", "--successor", "b"), operations.retire_twin("a", successor="b")),
    ],
)
def test_the_other_changes_are_sent(
    talk: Run, node: FakeNode, arguments: tuple[str, ...], expected: Operation
) -> None:
    done = talk("twin", *arguments)
    assert done.exit_code == 0, done.stderr
    assert sent(node) == expected


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("flow=NaN",), "NOT_FINITE"),
        (("flow=[Infinity]",), "NOT_FINITE"),
        (("flow=99999999999999999999",), "BAD_VALUE"),
        (('flow={"$bytes": 1}',), "BAD_VALUE"),
        (("--increment", "starts=many"), "WRONG_TYPE"),
    ],
)
def test_a_value_that_cannot_be_has_its_own_code(
    talk: Run, node: FakeNode, arguments: tuple[str, ...], code: str
) -> None:
    done = talk("twin", "set", "pump-7", *arguments, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stderr)["code"] == code
    assert node.received == []


@pytest.mark.parametrize("arguments", [("flow",), ("flow=1", "flow=2"), ("--observed-at", "noon")])
def test_an_argument_that_makes_no_sense_is_a_usage_error(
    talk: Run, arguments: tuple[str, ...]
) -> None:
    assert talk("twin", "set", "pump-7", *arguments).exit_code == 2


def test_a_receipt_is_printed(talk: Run) -> None:
    told = json.loads(talk("twin", "set", "pump-7", "flow=13.0", "--json").stdout)
    assert told["outcome"] == "COMMITTED"
    assert told["cursor"] == "1:0"
    assert told["events"] == [{"kind": "TWIN_UPDATED", "subject": "pump-7", "version": 1}]
    assert "version 2" in talk("twin", "set", "pump-7", "flow=13.0").stdout


def _json(talk: Run, *arguments: str) -> Any:
    done = talk(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_twins_are_read(talk: Run) -> None:
    talk("twin", "set", "pump-7", "flow=13.0")
    talk("twin", "set", "pump-7", "flow=13")
    assert _json(talk, "twin", "get", "pump-7")["version"] == 2
    assert [t["id"] for t in _json(talk, "twin", "list")["twins"]] == ["twin-1", "twin-2", "twin-3"]
    history = _json(talk, "twin", "history", "pump-7")
    values = [update["operation"]["changes"][0]["set"] for update in history["updates"]]
    assert [type(value) for value in values] == [float, int]
    trace = _json(talk, "twin", "trace", "pump-7")
    assert trace["relationships"] == [{"source": "pump-7", "name": "feeds", "target": "tank-1"}]


@pytest.mark.parametrize("verb", ["get", "history", "trace"])
def test_twins_are_read_by_people_too(talk: Run, verb: str) -> None:
    talk("twin", "set", "pump-7", "flow=13.0")
    done = talk("twin", verb, "pump-7")
    assert done.exit_code == 0, done.stderr
    assert "Traceback" not in done.output


def test_watching_ends_after_as_many_updates_as_are_wanted(talk: Run) -> None:
    for flow in range(4):
        talk("twin", "set", "pump-7", f"flow={flow}")
    done = talk("twin", "watch", "pump-7", "--after", "1:0", "--limit", "2", "--json")
    assert done.exit_code == 0
    assert [json.loads(line)["version"] for line in done.stdout.splitlines()] == [2, 3]


def test_a_cursor_that_is_none_is_refused(talk: Run) -> None:
    done = talk("twin", "watch", "--after", "yesterday", "--json")
    assert json.loads(done.stderr)["code"] == "BAD_REQUEST"
