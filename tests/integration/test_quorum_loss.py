"""A consortium of four loses three nodes for good, and its members open a new epoch."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from tests.integration.single_node import free_address
from twinledger.cli.verbs import root
from twinledger.client import Profile
from twinledger.client.proofs import TrustedHead
from twinledger.devnet.process import PROGRAM, NodeProcess

MEMBERS: Final = ("utility", "maintenance", "sensors", "regulator")
BRINGING: Final = MEMBERS[:3]
"""Who brings a fresh node to the recovery; the others bring theirs later."""
WITHIN_S: Final = 90.0


def attempt(*arguments: object, text: str | None = None) -> Result:
    """A command as it is typed, in this process."""
    return CliRunner().invoke(root, [*map(str, arguments), "--json"], input=text)


def run(*arguments: object, text: str | None = None) -> Any:
    done = attempt(*arguments, text=text)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def refusal(*arguments: object) -> str:
    done = attempt(*arguments)
    assert done.exit_code == 1, done.output
    return str(json.loads(done.stderr)["code"])


@pytest.fixture
def devnet(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "D"
    run("devnet", "up", "--nodes", 4, "--dir", folder, "--detach")
    try:
        yield folder
    finally:
        run("devnet", "down", "--dir", folder)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[dict[str, NodeProcess]]:
    """The members' fresh nodes; they end with the test."""
    nodes = {member: NodeProcess(tmp_path / member) for member in MEMBERS}
    yield nodes
    for node in nodes.values():
        node.ask_to_stop()
    for node in nodes.values():
        node.end(time.monotonic() + 30)


def updates(first: int, count: int) -> str:
    lines = [
        {"operation": "update", "twin": "pump-7", "set": {"flow": float(value)}}
        for value in range(first, first + count)
    ]
    return "".join(json.dumps(line) + "\n" for line in lines)


def receipt(value: int, out: Path, *where: object) -> None:
    run("tx", "submit", "-", "--receipt", out, *where, text=updates(value, 1))


def versions(*where: object) -> list[int]:
    return [update["version"] for update in run("twin", "history", "pump-7", *where)["updates"]]


def certified(config: Path, *where: object) -> int:
    """The height that a node has a certificate of."""
    return int(run("node", "status", "--config", config, *where)["certified_height"])


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def until_all_agree(profile: Path, folder: Path, members: tuple[str, ...] = BRINGING) -> None:
    """Wait until every fresh node of these has executed and certified the same."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        shown = [
            attempt(
                "node", "status", "--config", folder / member / "node.toml", "--profile", profile
            )
            for member in members
        ]
        found = [json.loads(each.stdout) for each in shown if each.exit_code == 0]
        heads = {(each["applied_height"], each["head"]) for each in found}
        certified = {each["certified_height"] for each in found}
        if len(found) == len(members) and len(heads) == 1:
            ((height, _),) = heads
            if certified == {height}:
                return
        assert time.monotonic() < deadline, [each.output for each in shown]
        time.sleep(0.2)


@dataclass(frozen=True)
class Loss:
    """What is left after three of four nodes burnt.

    Attributes:
        survivor: The folder of the node that is left, which had stopped before.
        behind: The data of another one as it was long before.
        held: The last height that the survivor has a certificate of, at least.
        early: A receipt of that height.
        late: A receipt that the three certified after the survivor stopped.
        reader_before: The profile of a client that read last when `early` was the newest.
        reader_after: The same of one that read `late`.
    """

    survivor: Path
    behind: Path
    held: int
    early: Path
    late: Path
    reader_before: Path
    reader_after: Path


def has_read(profile: Path, devnet: Path) -> Path:
    """Make the profile of a client, which keeps the head that it has read by beside it."""
    key = devnet / "keys" / "utility.admin.key"
    replace(Profile.load(devnet / "profile.toml"), key=key).save(profile)
    run("twin", "get", "pump-7", "--profile", profile)
    return profile


def kept_by(profile: Path) -> Path:
    """The file of the head that a client keeps."""
    return profile.with_name(f"{profile.name}.head")


def height_of(profile: Path) -> int:
    """The height that a client has read by."""
    return TrustedHead.load(kept_by(profile)).size - 1


def readers_go_on(loss: Loss, recovery: Path, chain: str, key: Path) -> None:
    """Who had read up to the fork follows; who had read more is told, and can prove it."""
    for profile in (loss.reader_before, loss.reader_after):
        profile.unlink()
        run("consortium", "recover", "profile", recovery, "--out", profile, "--key", key)
    read = ("twin", "get", "pump-7", "--profile")
    assert run(*read, loss.reader_before)["version"] == 43
    assert refusal(*read, loss.reader_after) == "PROOF_TRUNCATED"
    kept = kept_by(loss.reader_after)
    verify = ("verify", kept, "--chain-id", chain, "--recovery", recovery)
    assert refusal(*verify) == "PROOF_TRUNCATED"
    kept.unlink()
    assert run(*read, loss.reader_after)["version"] == 43


def lose_the_quorum(devnet: Path, tmp_path: Path, chain: str) -> Loss:
    """Kill nodes one after the other under load, and destroy three of them."""
    where, survivor = ("--devnet", devnet), devnet / "nodes" / "utility-1"
    run("twin", "create", "pump-7", "flow=0.0", *where)
    run("devnet", "kill", "sensors-1", "--dir", devnet)
    behind = shutil.copytree(devnet / "nodes" / "sensors-1" / "data", tmp_path / "behind")
    run("devnet", "restart", "sensors-1", "--dir", devnet)
    loaded = attempt("tx", "submit", "-", "--in-order", *where, text=updates(1, 40))
    assert loaded.exit_code == 0, loaded.stderr
    early, late = tmp_path / "early.proof", tmp_path / "late.proof"
    receipt(100, early, *where)
    reader_before = has_read(tmp_path / "before.toml", devnet)
    held = max(run("verify", early, "--chain-id", chain)["height"], height_of(reader_before))
    until(lambda: certified(survivor / "node.toml", *where) >= held, "it got no certificate")
    # Stopped, not killed: certificates are written a moment later, and a crash may lose the newest.
    process = NodeProcess(survivor)
    process.ask_to_stop()
    assert not process.end(time.monotonic() + 60)
    receipt(101, late, *where)
    reader_after = has_read(tmp_path / "after.toml", devnet)
    for node in ("maintenance-1", "sensors-1", "regulator-1"):
        run("devnet", "kill", node, "--dir", devnet)
        shutil.rmtree(devnet / "nodes" / node)
    return Loss(survivor, behind, held, early, late, reader_before, reader_after)


def make_join(member: str, keys: Path, tmp_path: Path) -> Path:
    """A member's fresh node, signed by the admin that it has: the join file."""
    run(
        *("consortium", "join", "init", tmp_path / member),
        *("--member", member, "--node", f"{member}-2"),
        *("--identity", keys / f"{member}.admin.key"),
        *("--peer-address", free_address(), "--client-address", free_address()),
    )
    return tmp_path / member / "join.json"


def drafted(loss: Loss, keys: Path, tmp_path: Path) -> Path:
    """The unsigned recovery: the survivor's statement, and the fresh nodes that are brought."""
    statement, recovery = tmp_path / "utility-1.statement", tmp_path / "recovery.json"
    config = ("--config", loss.survivor / "node.toml")
    said = run("consortium", "recover", "statement", *config, "--out", statement)
    assert said["certified"]["size"] > loss.held
    joins: list[object] = []
    for member in BRINGING:
        joins += ["--join", make_join(member, keys, tmp_path)]
    run("consortium", "recover", "draft", recovery, *config, "--statement", statement, *joins)
    return recovery


def sign_and_apply(loss: Loss, recovery: Path, devnet: Path, tmp_path: Path) -> int:
    """A quorum signs and who brings a node applies the file; return the height of the fork."""
    apply = ("consortium", "recover", "apply", recovery, "--genesis", devnet / "genesis.json")
    own = ("--dir", tmp_path / "utility", "--data", loss.survivor / "data")
    sign = ("consortium", "recover", "sign", recovery, "--identity")
    for member in MEMBERS[:2]:
        run(*sign, devnet / "keys" / f"{member}.admin.key")
    assert refusal("consortium", "recover", "check", recovery) == "RECOVERY_QUORUM"
    assert refusal(*apply, *own) == "RECOVERY_QUORUM"
    signed = run(*sign, devnet / "keys" / "sensors.admin.key")
    assert signed["signatures_missing"] == 0
    assert refusal(*sign, devnet / "keys" / "regulator.admin.key") == "RECOVERY_SEALED"
    fork = int(signed["fork"]["height"])
    assert run(*apply, *own)["log_height"] == fork + 1
    behind = run(*apply, "--dir", tmp_path / "sensors", "--data", loss.behind)
    assert 0 < behind["log_height"] < fork
    assert run(*apply, "--dir", tmp_path / "maintenance")["log_height"] == 0
    return fork


def bring_later(process: NodeProcess, devnet: Path, tmp_path: Path, recovery: Path) -> None:
    """The member that brought no node gives itself one, by its admin alone, and starts it."""
    join_file = make_join("regulator", devnet / "keys", tmp_path)
    key = devnet / "keys" / "regulator.admin.key"
    own = tmp_path / "regulator.toml"
    run("consortium", "recover", "profile", recovery, "--out", own, "--key", key)
    brought = ("consortium", "bring-node", join_file, "--profile")
    others = tmp_path / "profile.toml"
    assert refusal(*brought, others) == "ACCESS_DENIED"  # its key is another member's
    run(*brought, own)
    assert refusal(*brought, own) == "SEAT_TAKEN"
    run("consortium", "profile", tmp_path / "peers.toml", "--profile", own)
    made = ("node", "init", "--id", "regulator-2", "--genesis", devnet / "genesis.json")
    run(*made, "--dir", tmp_path / "regulator", "--join", join_file)
    process.start((*PROGRAM, "--peers", str(tmp_path / "peers.toml")))


def votes(profile: Path) -> list[bool]:
    """Of each member's node, whether it votes."""
    shown = run("consortium", "show", "--profile", profile)
    return [node["voter"] for member in shown["members"] for node in member["nodes"]]


def test_three_of_four_nodes_are_destroyed_and_the_members_go_on(
    devnet: Path, fresh: dict[str, NodeProcess], tmp_path: Path
) -> None:
    chain = json.loads((devnet / "devnet.json").read_text())["chain_id"]
    loss = lose_the_quorum(devnet, tmp_path, chain)
    recovery = drafted(loss, devnet / "keys", tmp_path)
    fork = sign_and_apply(loss, recovery, devnet, tmp_path)
    for member in BRINGING:
        fresh[member].start()
    profile, later = tmp_path / "profile.toml", tmp_path / "later.proof"
    key = devnet / "keys" / "utility.admin.key"
    run("consortium", "recover", "profile", recovery, "--out", profile, "--key", key)
    new = ("--profile", profile)
    receipt(200, later, *new)
    until_all_agree(profile, tmp_path)
    assert versions(*new) == list(range(1, 44))
    readers_go_on(loss, recovery, chain, key)

    verify = ("--chain-id", chain, "--recovery", recovery)
    assert run("verify", loss.early, *verify)["proven"] is True
    assert run("verify", loss.late, "--chain-id", chain)["proven"] is True
    assert refusal("verify", loss.late, *verify) == "PROOF_TRUNCATED"
    proven = run("verify", later, *verify)
    assert proven["head"]["origin"] == f"twinledger/{chain}/epoch-1"
    assert proven["height"] > fork + 1

    bring_later(fresh["regulator"], devnet, tmp_path, recovery)
    until(lambda: votes(profile) == [True] * len(MEMBERS), "the node that came later never voted")

    # A crash in the new epoch is like any other.
    fresh["utility"].kill()
    run("twin", "set", "pump-7", "flow=201.0", *new)
    fresh["utility"].start()
    until_all_agree(profile, tmp_path, MEMBERS)
    status = run("node", "status", "--config", fresh["utility"].config, *new)
    assert [warning for warning in status["warnings"] if "signs no heads" in warning] == []
