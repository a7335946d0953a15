"""Settings are checked before anything is opened, and every fault names its key."""

import re
from pathlib import Path

import pytest

from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.configuration import Configuration, load

OPERATIONS = Path(__file__).resolve().parents[3] / "docs" / "operations"
SETTINGS = [
    pytest.param(text, id=f"{page.name}-{number}")
    for page in sorted(OPERATIONS.glob("*.md"))
    for number, text in enumerate(
        re.findall(r"^```toml\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    )
]

GOOD = '[node]\nid = "a-1"\n[listen]\nclient = "127.0.0.1:1"\npeer = "127.0.0.1:2"\n'

BAD = {
    "not TOML at all": "[node",
    "a missing section": '[node]\nid = "a-1"\n',
    "an unknown key": GOOD + "[pool]\nmax_transaction = 5\n",
    "an address without a port": GOOD.replace(":2", ""),
    "a number out of range": GOOD + "[consensus]\ntick_ms = 0\n",
    "an election that is over before a heartbeat": GOOD
    + "[consensus]\nelection_ticks = 3\nheartbeat_ticks = 3\n",
    "an unknown log level": GOOD + '[log]\nlevel = "loud"\n',
}


def test_paths_are_relative_to_the_file(tmp_path):
    path = tmp_path / "node.toml"
    path.write_text(GOOD)
    configuration = load(path)
    assert configuration.node.data_dir == tmp_path / "data"
    assert configuration.node.genesis == tmp_path / "genesis.json"


@pytest.mark.parametrize("fault", BAD)
def test_a_faulty_file_is_refused_and_named(tmp_path, fault):
    path = tmp_path / "node.toml"
    path.write_text(BAD[fault])
    with pytest.raises(LedgerError) as refused:
        load(path)
    assert refused.value.code is Code.CONFIG_INVALID
    assert "node.toml" in refused.value.detail


def test_a_mistyped_key_is_named(tmp_path):
    path = tmp_path / "node.toml"
    path.write_text(BAD["an unknown key"])
    with pytest.raises(LedgerError, match="max_transaction"):
        load(path)


def test_a_missing_file_is_a_configuration_fault(tmp_path):
    with pytest.raises(LedgerError) as refused:
        load(tmp_path / "nowhere.toml")
    assert refused.value.code is Code.CONFIG_INVALID


@pytest.mark.parametrize("written", SETTINGS)
def test_the_settings_that_a_page_shows_are_understood(tmp_path: Path, written: str) -> None:
    path = tmp_path / "node.toml"
    path.write_text(written if "[node]" in written else GOOD + written)
    load(path)


def test_the_page_on_nodes_shows_every_setting_and_what_it_is_when_left_out(tmp_path: Path) -> None:
    (written,) = [each.values[0] for each in SETTINGS if each.id == "node.md-0"]
    assert isinstance(written, str)
    needed = re.findall(r"^(?:id|client|peer) = .*$", written, re.MULTILINE)
    left_out = "[node]\n{}\n[listen]\n{}\n{}\n".format(*needed)
    for name, text in (("written.toml", written), ("left-out.toml", left_out)):
        (tmp_path / name).write_text(text)
    assert load(tmp_path / "written.toml") == load(tmp_path / "left-out.toml")
    shown = set(re.findall(r"^(?:# )?(\[?[a-z_]+)", written, re.MULTILINE))
    for section, field in Configuration.model_fields.items():
        assert f"[{section}" in shown
        settings = getattr(field.annotation, "model_fields", {}).keys() - {"root"}
        assert settings <= shown, section
