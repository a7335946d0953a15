"""`node transfer-leadership` and `node drain`: they reach the node that is named, or none."""

import json

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.client.fake_node import FakeNode, Refusal


def test_leadership_is_handed_to_whom_the_command_names(talk: Run, node: FakeNode) -> None:
    asked = ("node", "transfer-leadership", "--node", node.name, "--to", "sensors-1")
    assert json.loads(talk(*asked, "--json").stdout) == {"leader_id": "sensors-1", "term": 7}
    assert talk(*asked).stdout == "sensors-1 leads term 7.\n"


def test_a_node_that_does_not_lead_says_so(talk: Run, node: FakeNode) -> None:
    node.read_steps.append(Refusal("NOT_LEADING", detail="sensors-1 leads"))
    refused = talk("node", "transfer-leadership", "--node", node.address, "--json")
    assert refused.exit_code == 1
    assert json.loads(refused.stderr)["code"] == "NOT_LEADING"


def test_a_drain_waits_until_the_node_is_safe_to_stop(talk: Run, node: FakeNode) -> None:
    node.waits_for.append(["It still leads."])
    done = talk("node", "drain", "--node", node.name, "--json")
    assert json.loads(done.stdout) == {"draining": True, "safe_to_stop": True}
    assert not node.waits_for
    assert talk("node", "drain", "--node", node.name, "--undo").exit_code == 0
    assert node.draining is False


def test_a_drain_that_takes_too_long_says_what_it_waits_for(talk: Run, node: FakeNode) -> None:
    node.waits_for.extend([["It still leads."]] * 100)
    done = talk("node", "drain", "--node", node.name, "--timeout", "0.3", "--json")
    assert done.exit_code == 1
    told = json.loads(done.stderr)
    assert told["code"] == "NOT_DRAINED"
    assert "It still leads" in told["message"]
    assert node.draining is True


@pytest.mark.parametrize("verb", ["drain", "transfer-leadership"])
def test_a_node_that_the_profile_does_not_name_is_not_touched(talk: Run, verb: str) -> None:
    done = talk("node", verb, "--node", "nobody-1", "--json")
    assert json.loads(done.stderr)["code"] == "NO_SUCH_NODE"
