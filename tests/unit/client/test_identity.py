"""Key files: private, checked when they are read, never overwritten."""

import json
from pathlib import Path

import pytest

from twinledger.client import Code, Identity, LedgerError


def saved(folder: Path) -> tuple[Identity, Path]:
    identity, path = Identity.generate("utility/gateway"), folder / "keys" / "gateway.key"
    identity.save(path)
    return identity, path


def test_a_key_file_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    identity, path = saved(tmp_path)
    loaded = Identity.load(path)
    assert loaded.name == "utility/gateway"
    assert loaded.member == "utility"
    assert loaded.public_key == identity.public_key
    assert loaded.key.seed == identity.key.seed


def test_only_its_owner_can_read_a_key_file(tmp_path: Path) -> None:
    assert saved(tmp_path)[1].stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    _, path = saved(tmp_path)
    path.chmod(mode)
    with pytest.raises(LedgerError, match="chmod 600") as raised:
        Identity.load(path)
    assert raised.value.code is Code.CONFIG_INVALID


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    identity, path = saved(tmp_path)
    with pytest.raises(LedgerError, match="never overwritten"):
        Identity.generate("utility/other").save(path)
    assert Identity.load(path).public_key == identity.public_key


def test_the_secret_does_not_show(tmp_path: Path) -> None:
    identity, _ = saved(tmp_path)
    assert identity.key.seed.hex() not in repr(identity)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"public_key": "00" * 32}, "not that of its private key"),
        ({"private_key": "zz"}, "key file"),
        ({"private_key": "00"}, "32 bytes"),
        ({"identity": "nobody"}, "BAD_IDENTITY"),
        ({"identity": 7}, "must be text"),
        ({"more": "x"}, "exactly"),
    ],
)
def test_a_key_file_that_is_wrong_is_refused(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    _, path = saved(tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(LedgerError, match=said) as raised:
        Identity.load(path)
    assert raised.value.code is Code.CONFIG_INVALID


@pytest.mark.parametrize("text", ["", "[]", "{}", "not json"])
def test_a_file_that_is_no_key_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(LedgerError) as raised:
        Identity.load(path)
    assert raised.value.code is Code.CONFIG_INVALID


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="nowhere"):
        Identity.load(tmp_path / "nowhere.key")


def test_a_bad_name_is_refused() -> None:
    with pytest.raises(LedgerError) as raised:
        Identity.generate("nobody")
    assert raised.value.code is Code.BAD_IDENTITY
