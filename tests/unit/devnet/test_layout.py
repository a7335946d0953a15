"""A devnet's folder: made whole, read back, and refused when it is not what it should be."""

import json
import tomllib
from pathlib import Path

import pytest

from twinledger.client import Code, Identity, LedgerError
from twinledger.consortium.genesis import Genesis
from twinledger.devnet.creation import NODES_MAX, Settings, create, toml_of
from twinledger.devnet.layout import Layout
from twinledger.node.configuration import load
from twinledger.storage import DataFolder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    folder = tmp_path_factory.mktemp("devnet") / "D"
    return create(folder, 4, settings={"storage": {"min_free_mib": 1}, "log": {"level": "debug"}})


def test_a_devnet_reads_back_as_it_was_made(made: Layout) -> None:
    assert Layout.load(made.path) == made


def test_the_members_are_those_of_the_story(made: Layout) -> None:
    assert made.members == ("utility", "maintenance", "sensors", "regulator")
    assert [node.name for node in made.nodes] == [f"{member}-1" for member in made.members]


def test_every_address_is_one_of_its_own(made: Layout) -> None:
    addresses = [n.client_address for n in made.nodes] + [n.peer_address for n in made.nodes]
    assert len(set(addresses)) == 8
    assert all(address.startswith("127.0.0.1:") for address in addresses)


def test_no_port_is_one_that_an_outgoing_connection_may_take(made: Layout) -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(int(address.rpartition(":")[2]) < first for address in made.client_addresses)


def test_the_genesis_file_names_nodes_and_admins(made: Layout) -> None:
    genesis = Genesis.parse(made.genesis.read_bytes())
    assert genesis.chain_id == made.chain_id
    assert {node.node_id for _, node in genesis.nodes} == {node.name for node in made.nodes}
    for record in genesis.admins:
        assert Identity.load(made.key_file(record.identity)).public_key == record.public_key


def test_every_nodes_settings_are_ones_that_a_node_accepts(made: Layout) -> None:
    for node in made.nodes:
        settings = load(made.node_folder(node) / "node.toml")
        assert settings.node.id == node.name
        assert settings.node.genesis.resolve() == made.genesis
        assert settings.listen.client == node.client_address
        assert settings.storage.min_free_mib == 1
        assert settings.log.level == "debug"
        with DataFolder.open(settings.node.data_dir, min_free_bytes=1) as data:
            assert data.node_id == node.name
            assert data.chain_id == made.chain_id


def test_a_key_file_that_holds_the_key_of_somebody_else_is_refused(made: Layout) -> None:
    made.key_file("utility/other").write_bytes(made.key_file("sensors/admin").read_bytes())
    made.key_file("utility/other").chmod(0o600)
    with pytest.raises(LedgerError) as raised:
        made.identity("utility/other")
    assert "is the key of sensors/admin" in raised.value.message


def test_the_first_members_admin_is_the_usual_identity(made: Layout) -> None:
    assert made.identity().name == "utility/admin"
    assert made.identity("sensors/admin").name == "sensors/admin"
    with pytest.raises(LedgerError):
        made.identity("sensors/nobody")


def test_an_unknown_node_is_answered_with_the_known_ones(made: Layout) -> None:
    with pytest.raises(LedgerError, match="regulator-1") as raised:
        made.node("nowhere-1")
    assert raised.value.code is Code.NO_SUCH_NODE


def test_more_nodes_than_names_have_numbers(tmp_path: Path) -> None:
    assert create(tmp_path / "D", 9).members[-2:] == ("member-8", "member-9")


@pytest.mark.parametrize("count", [0, -1, NODES_MAX + 1])
def test_a_silly_number_of_nodes_is_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(LedgerError) as raised:
        create(tmp_path / "D", count)
    assert raised.value.code is Code.CONFIG_INVALID
    assert not (tmp_path / "D").exists()


def test_a_folder_that_holds_something_is_not_used(made: Layout, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="devnet already"):
        create(made.path)
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(LedgerError, match="not empty"):
        create(tmp_path)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, Code.CONFIG_INVALID),
        ("{", Code.CONFIG_INVALID),
        ("[]", Code.FORMAT_UNKNOWN),
        ('{"format": 2}', Code.FORMAT_UNKNOWN),
        ('{"format": 1}', Code.CONFIG_INVALID),
        ('{"format": 1, "chain_id": "zz", "nodes": []}', Code.CONFIG_INVALID),
        ('{"format": 1, "chain_id": "00", "nodes": [{"name": "a"}]}', Code.CONFIG_INVALID),
    ],
)
def test_a_folder_that_is_no_devnet_is_refused(
    tmp_path: Path, content: str | None, code: Code
) -> None:
    if content is not None:
        (tmp_path / "devnet.json").write_text(content)
    with pytest.raises(LedgerError) as raised:
        Layout.load(tmp_path)
    assert raised.value.code is code


def test_settings_read_back_as_they_were_written() -> None:
    sections: Settings = {"a": {"text": 'with "quotes" and \\', "number": 5}, "b": {"c": "d"}}
    assert tomllib.loads(toml_of(sections)) == sections


def test_devnet_json_says_its_format(made: Layout) -> None:
    assert json.loads((made.path / "devnet.json").read_text())["format"] == 1
