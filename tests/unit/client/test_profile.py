"""The file that says whom a client trusts."""

from dataclasses import replace
from pathlib import Path

import pytest

from twinledger.client import Code, LedgerError, Profile, TrustedNode

CHAIN = bytes(range(32))
NODES = (
    TrustedNode("utility-1", "10.0.0.1:7101", "10.0.0.1:7201", (b"old", b"new")),
    TrustedNode("sensors-1", "10.0.0.2:7101", "10.0.0.2:7201", (b"\x00\xff",)),
)
PROFILE = Profile(CHAIN, NODES, height=12)
NODE = '[[nodes]]\nid = "a"\nclient_address = "a:1"\npeer_address = "a:2"\n'


def fault(folder: Path, text: str) -> str:
    path = folder / "profile.toml"
    path.write_text(text)
    with pytest.raises(LedgerError) as raised:
        Profile.load(path)
    assert raised.value.code is Code.CONFIG_INVALID
    assert str(path) in raised.value.detail
    return raised.value.detail


def test_a_profile_reads_back_as_it_was_written(tmp_path):
    PROFILE.save(tmp_path / "profile.toml")
    assert Profile.load(tmp_path / "profile.toml") == PROFILE


def test_the_key_of_a_profile_lies_where_the_profile_lies(tmp_path):
    replace(PROFILE, key=Path("gateway.key")).save(tmp_path / "profile.toml")
    assert Profile.load(tmp_path / "profile.toml").key == tmp_path / "gateway.key"


def test_an_insecure_profile_says_so_and_needs_no_certificates(tmp_path):
    plain = Profile(CHAIN, tuple(replace(n, certificates=()) for n in NODES), insecure=True)
    plain.save(tmp_path / "profile.toml")
    assert "insecure = true" in (tmp_path / "profile.toml").read_text()
    assert Profile.load(tmp_path / "profile.toml") == plain


def test_records_of_a_later_height_replace_those_of_an_earlier_one():
    assert PROFILE.with_nodes(NODES[:1], 13) == replace(PROFILE, nodes=NODES[:1], height=13)
    assert PROFILE.with_nodes(NODES[:1], 11) == PROFILE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "chain_id"),
        ("chain_id = 5", "chain_id"),
        (f'chain_id = "{"zz" * 32}"', "hex"),
        (f'chain_id = "{"00" * 32}"', "nodes"),
        (f'chain_id = "{"00" * 32}"\nnodes = []', "nodes"),
        (f'chain_id = "{"00" * 32}"\nnodes = [1]', "nodes[0]"),
        (f'chain_id = "{"00" * 32}"\nheight = -1\n{NODE}', "height"),
        (f'chain_id = "{"00" * 32}"\nkey = 5\n{NODE}', "key"),
        (f'chain_id = "{"00" * 32}"\ninsecure = 1\n{NODE}', "insecure"),
        (f'chain_id = "{"00" * 32}"\ncolour = "red"\n{NODE}', "colour"),
        (f'chain_id = "{"00" * 32}"\n{NODE}colour = "red"', "nodes[0].colour"),
        (f'chain_id = "{"00" * 32}"\n{NODE}', "nodes[0].certificates"),
        (f'chain_id = "{"00" * 32}"\n{NODE}certificates = ["*"]', "base64"),
        (f'chain_id = "{"00" * 32}"\n{NODE}certificates = [5]', "base64"),
        (f'chain_id = "{"00" * 32}"\n[[nodes]]\nid = "a"', "client_address"),
        ("chain_id = [", "profile.toml"),
    ],
)
def test_what_is_wrong_with_a_profile_is_named(tmp_path, text, said):
    assert said in fault(tmp_path, text)


def test_a_profile_that_is_not_there_is_named(tmp_path):
    with pytest.raises(LedgerError) as raised:
        Profile.load(tmp_path / "nowhere.toml")
    assert "nowhere.toml" in raised.value.detail


def test_one_node_gets_new_certificates_at_a_later_height():
    fresh = PROFILE.with_certificates("sensors-1", [b"newest"], 13)
    assert fresh.nodes == (NODES[0], replace(NODES[1], certificates=(b"newest",)))
    assert fresh.height == 13
    assert PROFILE.with_certificates("sensors-1", [b"newest"], 11) == PROFILE
