"""Key files: private, checked when they are read, never overwritten."""

import json
from pathlib import Path

import pytest

from twinledger.client import Code, Identity, LedgerError
from twinledger.client.key_files import passphrase_of_environment
from twinledger.ledger.key_file import SealCost, StoredKey


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
    assert loaded.key.sign(b"message") == identity.key.sign(b"message")


def test_only_its_owner_can_read_a_key_file(tmp_path: Path) -> None:
    assert saved(tmp_path)[1].stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    _, path = saved(tmp_path)
    path.chmod(mode)
    with pytest.raises(LedgerError) as raised:
        Identity.load(path)
    assert raised.value.code is Code.KEY_EXPOSED
    assert str(path) in raised.value.message
    assert "chmod 600" in raised.value.next_step


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    identity, path = saved(tmp_path)
    with pytest.raises(LedgerError, match="never overwritten"):
        Identity.generate("utility/other").save(path)
    assert Identity.load(path).public_key == identity.public_key


def test_the_secret_does_not_show(tmp_path: Path) -> None:
    identity, path = saved(tmp_path)
    assert json.loads(path.read_text())["private_key"] not in repr(identity)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"public_key": "00" * 32}, "not that of its private key"),
        ({"private_key": "zz"}, "key file"),
        ({"private_key": "00"}, "32 bytes"),
        ({"name": "nobody"}, "BAD_IDENTITY"),
        ({"name": 7}, "must be text"),
        ({"public_key": 7}, "key file"),
        ({"purpose": "witness"}, "a key for witness, not for identity"),
        ({"purpose": "fun"}, "key file"),
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


def sealed(folder: Path) -> tuple[Identity, Path]:
    path = folder / "sealed.key"
    stored = StoredKey.decode(saved(folder / "open")[1].read_text())
    identity = Identity.load(folder / "open" / "keys" / "gateway.key")
    # Cheap: what argon2id costs by default is a second of every test.
    path.write_text(stored.sealed(b"open sesame", SealCost(1, 8192)).encode())
    path.chmod(0o600)
    return identity, path


def test_saving_with_a_passphrase_seals_the_file(tmp_path: Path) -> None:
    identity, path = Identity.generate("utility/gateway"), tmp_path / "sealed.key"
    identity.save(path, b"open sesame")
    written = json.loads(path.read_text())
    assert "private_key" not in written
    assert (written["operations"], written["memory"]) == (3, 256 << 20)
    assert Identity.load(path, lambda _: b"open sesame").public_key == identity.public_key


def test_a_sealed_key_file_opens_with_its_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity, path = sealed(tmp_path)
    passphrases = {path: b"open sesame"}
    loaded = Identity.load(path, passphrases.__getitem__)
    assert loaded.key.sign(b"message") == identity.key.sign(b"message")
    monkeypatch.setenv("TWINLEDGER_PASSPHRASE", "open sesame")
    assert Identity.load(path).public_key == identity.public_key


def test_the_passphrase_may_lie_in_a_file_that_only_its_owner_can_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity, path = sealed(tmp_path)
    monkeypatch.setenv("TWINLEDGER_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    (tmp_path / "passphrase").write_text("open sesame\n")
    (tmp_path / "passphrase").chmod(0o644)
    with pytest.raises(LedgerError) as raised:
        Identity.load(path)
    assert raised.value.code is Code.KEY_EXPOSED
    (tmp_path / "passphrase").chmod(0o600)
    assert Identity.load(path).public_key == identity.public_key


def test_a_file_without_a_passphrase_seals_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty"
    empty.write_text("\n")
    empty.chmod(0o600)
    monkeypatch.setenv("TWINLEDGER_PASSPHRASE_FILE", str(empty))
    with pytest.raises(LedgerError) as raised:
        passphrase_of_environment(tmp_path / "new.key")
    assert raised.value.code is Code.KEY_LOCKED
    assert str(empty) in raised.value.message


def test_a_sealed_key_file_stays_shut_without_its_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, path = sealed(tmp_path)
    monkeypatch.delenv("TWINLEDGER_PASSPHRASE", raising=False)
    monkeypatch.delenv("TWINLEDGER_PASSPHRASE_FILE", raising=False)
    with pytest.raises(LedgerError) as missing:
        Identity.load(path)
    with pytest.raises(LedgerError) as wrong:
        Identity.load(path, lambda _: b"open barley")
    assert missing.value.code is wrong.value.code is Code.KEY_LOCKED


@pytest.mark.parametrize(
    "change",
    [
        {"memory": 1 << 40},
        {"memory": "much"},
        {"operations": 0},
        {"salt": "00"},
        {"sealed_key": "zz"},
    ],
)
def test_a_seal_that_is_none_of_ours_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    _, path = sealed(tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(LedgerError) as raised:
        Identity.load(path, lambda _: b"open sesame")
    assert raised.value.code is Code.CONFIG_INVALID


def test_a_key_that_lies_elsewhere_signs_and_is_not_written_down(tmp_path: Path) -> None:
    class Device:
        public_key = b"k" * 32

        def sign(self, message: bytes) -> bytes:
            return b"s" * 64 + message[:0]

    identity = Identity("utility/gateway", Device())
    assert identity.key.sign(b"message") == b"s" * 64
    with pytest.raises(LedgerError, match="kept elsewhere"):
        identity.save(tmp_path / "device.key")
