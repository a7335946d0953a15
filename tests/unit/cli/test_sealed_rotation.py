"""Sealed keys are rotated: an admin's with one passphrase, its node's with another."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.client.fake_node import FakeNode
from twinledger.cli import passphrases
from twinledger.cli import signing_key_rotation as signing
from twinledger.client import Identity, Profile
from twinledger.client.key_files import read_key, read_public
from twinledger.ledger.key_file import Purpose, SealCost, StoredKey
from twinledger.node.node_keys import NodeKeys, transport_files
from twinledger.v1 import operation_pb2, transaction_pb2

ADMIN, NODE = "of the admin", "of the node"


@pytest.fixture(autouse=True)
def _cheap_seals(monkeypatch: pytest.MonkeyPatch) -> None:
    seal = StoredKey.sealed
    monkeypatch.setattr(
        StoredKey, "sealed", lambda key, passphrase: seal(key, passphrase, SealCost(1, 8192))
    )
    for name in ("TWINLEDGER_PASSPHRASE", "TWINLEDGER_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits there who answers prompts."""
    stdin = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr(passphrases, "sys", SimpleNamespace(stdin=stdin))


@pytest.fixture
def admin(profile: Path) -> Path:
    """The profile's own key, sealed."""
    path = profile.with_name("gateway.key")
    path.unlink()
    Identity.generate("utility/admin").save(path, ADMIN.encode())
    return path


@pytest.fixture
def config(node: FakeNode, tmp_path: Path) -> Path:
    """The settings of the node that answers; its keys are sealed."""
    folder = tmp_path / "node"
    (folder / "data").mkdir(parents=True)
    NodeKeys.create(folder / "keys", f"utility/{node.name}", NODE.encode())
    (folder / "node.toml").write_text(
        f'[node]\nid = "{node.name}"\ndata_dir = "data"\ngenesis = "genesis.json"\n'
        f'[listen]\nclient = "{node.address}"\npeer = "127.0.0.1:1"\n'
        "[transport]\ninsecure = true\n"
    )
    return folder / "node.toml"


def operations(node: FakeNode) -> list[operation_pb2.Operation]:
    """What came, of the newest transaction."""
    signed = transaction_pb2.SignedTransaction.FromString(node.received[-1])
    return list(transaction_pb2.TransactionBody.FromString(signed.body).operations)


def sealed_with(path: Path, purpose: Purpose, passphrase: str) -> bytes:
    """The public half of a key that is sealed, and that this opens."""
    assert read_public(path, purpose).seal is not None
    return read_key(path, purpose, lambda _: passphrase.encode()).public_key


@pytest.mark.usefixtures("terminal")
def test_an_admin_s_key_is_rotated_to_one_with_another_passphrase(
    talk: Run, node: FakeNode, admin: Path
) -> None:
    new, later = admin.with_name("new.key"), "another"
    rotate = ("identity", "rotate", "utility/admin", "--out", new, "--sealed")
    done = talk(*rotate, text=f"{ADMIN}\n{later}\n{later}\n")
    assert done.exit_code == 0, done.output
    (change,) = operations(node)
    assert change.rotate_key.public_key == sealed_with(new, Purpose.IDENTITY, later)
    # And the next command is signed by it, in the place of the old one.
    new.replace(admin)
    assert talk("consortium", "show", text=f"{later}\n").exit_code == 0


@pytest.mark.usefixtures("terminal")
def test_a_key_that_is_made_for_a_new_identity_is_sealed_on_demand(
    talk: Run, node: FakeNode, admin: Path
) -> None:
    out, own = admin.with_name("device.key"), "of the device"
    add = ("identity", "add", "utility/device", "--role", "device", "--out", out, "--sealed")
    done = talk(*add, text=f"{ADMIN}\n{own}\n{own}\n")
    assert done.exit_code == 0, done.output
    (change,) = operations(node)
    assert change.admit_identity.public_key == sealed_with(out, Purpose.IDENTITY, own)


@pytest.mark.usefixtures("terminal", "admin")
def test_a_node_s_certificate_is_rotated_by_an_admin_with_another_passphrase(
    talk: Run, node: FakeNode, config: Path, profile: Path
) -> None:
    rotate = ("node", "rotate-key", "--config", config, "--unverified")
    done = talk(*rotate, text=f"{ADMIN}\n{NODE}\n")
    assert done.exit_code == 0, done.output
    (change,) = operations(node)
    newest = max(transport_files(config.parent / "keys"), key=lambda path: path.stat().st_mtime_ns)
    assert sealed_with(newest, Purpose.TRANSPORT, NODE) == change.update_node.add_certificate.der
    # The profile that it went by knows the node by its new certificate, too.
    (known,) = Profile.load(profile).nodes
    assert known.certificates[-1] == change.update_node.add_certificate.der


@pytest.mark.usefixtures("terminal", "admin")
def test_a_node_s_witness_and_log_keys_are_sealed_as_those_before(
    talk: Run, node: FakeNode, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "_TAKEN_SECONDS", 0.0)
    rotate = ("node", "rotate-key", "--config", config, "--witness", "--log", "--unverified")
    done = talk(*rotate, text=f"{ADMIN}\n{NODE}\n")
    assert done.exit_code == 0, done.output
    (change,) = operations(node)
    for purpose, key in (
        (Purpose.WITNESS, change.update_node.witness_key),
        (Purpose.LOG, change.update_node.log_key),
    ):
        path = config.parent / "keys" / f"{purpose}.{key.hex()[:16]}.key"
        assert sealed_with(path, purpose, NODE) == key


@pytest.mark.usefixtures("admin")
def test_one_passphrase_that_opens_not_every_key_names_the_file_that_stays_shut(
    talk: Run, node: FakeNode, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINLEDGER_PASSPHRASE", ADMIN)
    before = sorted((config.parent / "keys").iterdir())
    done = talk("node", "rotate-key", "--config", config, "--unverified")
    assert done.exit_code == 1
    assert "KEY_LOCKED" in done.stderr
    assert str(config.parent / "keys" / "transport.key") in done.stderr
    assert node.received == []
    assert sorted((config.parent / "keys").iterdir()) == before


@pytest.mark.usefixtures("terminal")
def test_a_devnet_s_sealed_key_is_asked_for(
    run: Run, node: FakeNode, profile: Path, tmp_path: Path
) -> None:
    chain = node.ledger.chain_id.hex()
    entry = f'{{"name": "a-1", "member": "utility", "client_address": "{node.address}", '
    entry += '"peer_address": "127.0.0.1:1"}'
    (tmp_path / "devnet.json").write_text(
        f'{{"format": 1, "chain_id": "{chain}", "nodes": [{entry}]}}'
    )
    Identity.generate("utility/admin").save(tmp_path / "keys" / "utility.admin.key", ADMIN.encode())
    assert profile.parent == tmp_path
    show = ("consortium", "show", "--devnet", tmp_path, "--unverified")
    assert run(*show, text=f"{ADMIN}\n").exit_code == 0
