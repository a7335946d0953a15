"""Members of a running consortium plan, propose and vote; what passes holds on every node."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.commands import answer, refusal

MEMBERS = ("utility", "maintenance", "sensors")


@pytest.fixture(scope="module")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("governed") / "D"
    answer("devnet", "up", "--nodes", 3, "--dir", folder, "--detach")
    try:
        yield folder
    finally:
        answer("devnet", "down", "--dir", folder)


def said(devnet: Path, *arguments: object, by: str = "utility") -> Any:
    return answer("consortium", *arguments, "--devnet", devnet, "--as", f"{by}/admin")


def refused(devnet: Path, *arguments: object, by: str = "utility") -> str:
    return refusal("consortium", *arguments, "--devnet", devnet, "--as", f"{by}/admin")


def test_members_change_a_rule_and_a_limit_by_plan_proposal_and_vote(devnet: Path) -> None:
    change = ("rules", "remove_member_percent=75", "max_operations=5")
    planned = said(devnet, "plan", *change)
    assert planned["approvals_needed"] == 2
    assert planned["before"]["not_answering"] == []
    assert planned["before"]["single_failures_that_stop_ordering"] == []
    assert planned["after"]["limits"]["max_operations"] == 5
    assert said(devnet, "propose", *change)["events"][0]["kind"] == "PROPOSED"
    (proposal,) = said(devnet, "proposals")["proposals"]
    assert (proposal["status"], proposal["plan"]) == ("open", planned["plan"])
    assert refused(devnet, "vote", 1, "--approve") == "VOTED_TWICE"
    voted = said(devnet, "vote", 1, "--approve", by="maintenance")
    assert voted["events"][0]["kind"] == "PROPOSAL_PASSED"
    assert refused(devnet, "vote", 1, "--approve", by="sensors") == "PROPOSAL_CLOSED"
    assert refused(devnet, "propose", *change) == "NO_CHANGE"
    assert said(devnet, "plan", "remove", "sensors")["approvals_needed"] == 3


def test_a_proposal_is_withdrawn_by_who_made_it(devnet: Path) -> None:
    made = said(devnet, "propose", "remove", "sensors")
    number = made["events"][0]["subject"]
    assert refused(devnet, "withdraw", number, by="sensors") == "NOT_THE_PROPOSER"
    withdrawn = said(devnet, "withdraw", number)
    assert withdrawn["events"][0]["kind"] == "PROPOSAL_WITHDRAWN"


def test_an_admin_rotates_its_key_and_the_old_one_signs_nothing_more(
    devnet: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new.key"
    answer("identity", "rotate", "sensors/admin", "--out", new, "--devnet", devnet)
    assert refused(devnet, "propose", "remove", "utility", by="sensors") == "TOKEN_REFUSED"
    (devnet / "keys" / "sensors.admin.key").write_bytes(new.read_bytes())
    assert said(devnet, "plan", "remove", "utility", by="sensors")["approvals_needed"] == 3
    receipt = said(devnet, "propose", "remove", "utility", by="sensors")
    assert receipt["events"][0]["kind"] == "PROPOSED"


def test_a_company_joins_by_its_join_file_and_two_votes(devnet: Path, tmp_path: Path) -> None:
    addresses = ("--peer-address", "127.0.0.1:9", "--client-address", "127.0.0.1:10")
    about = ("--member", "maker", "--node", "maker-1", *addresses)
    answer("consortium", "join", "init", tmp_path, *about)
    join = tmp_path / "join.json"
    planned = said(devnet, "plan", "admit", join)
    assert planned["after"]["certificate_quorum"] == 3
    assert planned["after"]["not_answering"] == ["maker-1"]
    number = said(devnet, "propose", "admit", join)["events"][0]["subject"]
    passed = said(devnet, "vote", number, "--approve", by="maintenance")
    assert passed["events"][0]["kind"] == "PROPOSAL_PASSED"
    assert "maker" in [member["name"] for member in said(devnet, "show")["members"]]
    config = devnet / "nodes" / "utility-1" / "node.toml"
    key = devnet / "keys" / "utility.admin.key"
    warnings = answer("node", "status", "--config", config, "--key", key)["warnings"]
    assert "On the ledger, but without a vote in ordering: maker-1." in warnings
