"""`tx submit` and `tx status`: JSON lines in, what became of each line out."""

import json
from pathlib import Path
from typing import Any

from click.testing import Result

from tests.unit.cli.conftest import Run
from tests.unit.client.fake_node import FakeNode
from twinledger.client import operations
from twinledger.ledger.transaction import operation_messages
from twinledger.v1 import transaction_pb2

UPDATE = '{"operation": "update", "twin": "pump-7", "set": {"flow": %d.0}}\n'


def lines(done: Result) -> dict[int, Any]:
    return {told["line"]: told for told in map(json.loads, done.stdout.splitlines())}


def test_every_line_is_one_transaction(talk: Run, node: FakeNode, tmp_path: Path) -> None:
    path = tmp_path / "operations.jsonl"
    path.write_text("".join(UPDATE % n for n in range(20)) + "\n  \n")
    done = talk("tx", "submit", path, "--wait", "committed", "--json")
    assert done.exit_code == 0, done.stderr
    assert sorted(lines(done)) == list(range(1, 21))
    assert {told["stage"] for told in lines(done).values()} == {"COMMITTED"}
    assert node.ledger.height == 20


def test_a_list_is_one_transaction_of_several_operations(talk: Run, node: FakeNode) -> None:
    text = (
        '[{"operation": "create", "twin": "tank-1"},'
        ' {"operation": "relate", "source": "pump-7", "name": "feeds", "target": "tank-1"}]'
    )
    assert talk("tx", "submit", "-", text=text).exit_code == 0
    body = transaction_pb2.SignedTransaction.FromString(node.received[0]).body
    expected = [operations.create_twin("tank-1"), operations.relate("pump-7", "feeds", "tank-1")]
    assert list(operation_messages(body)) == expected


def test_one_line_without_effect_fails_the_command_and_is_named(talk: Run, node: FakeNode) -> None:
    node.ledger.outcomes.extend(["COMMITTED", "TWIN_NOT_FOUND", "COMMITTED"])
    text = "".join(UPDATE % n for n in range(3))
    done = talk("tx", "submit", "-", "--in-order", "--json", text=text)
    assert done.exit_code == 1
    told = lines(done)
    assert told[2]["error"]["code"] == "TWIN_NOT_FOUND"
    assert told[1]["error"] is None
    assert told[3]["error"] is None


def test_people_are_told_how_many_were_done(talk: Run, node: FakeNode) -> None:
    node.ledger.outcomes.extend(["COMMITTED", "TWIN_NOT_FOUND"])
    done = talk("tx", "submit", "-", "--in-order", text=UPDATE % 1 + UPDATE % 2)
    assert done.exit_code == 1
    assert "1 done, 1 failed." in done.stdout
    assert "line 2: TWIN_NOT_FOUND" in done.stderr


def test_a_line_that_is_not_right_ends_it_and_is_named(talk: Run, node: FakeNode) -> None:
    done = talk("tx", "submit", "-", "--json", text=UPDATE % 1 + "{oops\n" + UPDATE % 3)
    assert done.exit_code == 1
    error = json.loads(done.stderr)
    assert error["code"] == "BAD_REQUEST"
    assert "line 2" in error["message"]
    assert lines(done).keys() == {1}
    assert node.ledger.height == 1


def test_without_waiting_a_line_is_pending(talk: Run) -> None:
    done = talk("tx", "submit", "-", "--wait", "none", "--json", text=UPDATE % 1)
    assert done.exit_code == 0
    assert lines(done)[1]["stage"] == "PENDING"


def test_in_order_sends_a_line_only_when_the_one_before_is_done(talk: Run, node: FakeNode) -> None:
    text = "".join(UPDATE % n for n in range(5))
    assert talk("tx", "submit", "-", "--in-order", text=text).exit_code == 0
    assert node.messages == [1] * 5


def test_a_status_tells_what_became_of_a_transaction(talk: Run) -> None:
    receipt = json.loads(talk("twin", "set", "pump-7", "flow=1", "--json").stdout)
    told = json.loads(talk("tx", "status", receipt["transaction_id"], "--json").stdout)
    assert told["stage"] == "COMMITTED"
    assert told["receipt"] == receipt
    assert json.loads(talk("tx", "status", "00" * 32, "--json").stdout)["stage"] == "UNKNOWN"
    assert "COMMITTED" in talk("tx", "status", receipt["transaction_id"]).stdout


def test_an_id_that_is_none_is_refused(talk: Run) -> None:
    done = talk("tx", "status", "zz", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stderr)["code"] == "BAD_REQUEST"


def test_a_missing_file_is_a_usage_error(talk: Run, tmp_path: Path) -> None:
    assert talk("tx", "submit", tmp_path / "nowhere.jsonl").exit_code == 2
