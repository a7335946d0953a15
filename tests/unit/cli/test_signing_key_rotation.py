"""That a node took its new witness key is seen in its folder, not guessed from its silence."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from twinledger.cli import signing_key_rotation as rotation


@pytest.fixture
def right(tmp_path: Path) -> Any:
    path = tmp_path / "head.next"
    path.touch()
    return SimpleNamespace(path=path)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(rotation, "public_transports", lambda _: ())
    monkeypatch.setattr(rotation, "_POLL_SECONDS", 0.001)
    return SimpleNamespace(
        keys=SimpleNamespace(folder=tmp_path),
        transport=SimpleNamespace(insecure=False),
        listen=SimpleNamespace(client="127.0.0.1:1"),
    )


def test_a_node_that_is_silent_while_it_takes_its_key_has_taken_it(settings, right, monkeypatch):
    def silent(*_: Any) -> Any:
        right.path.unlink(missing_ok=True)  # it opens its folder anew meanwhile
        return SimpleNamespace(answered=False)

    monkeypatch.setattr(rotation, "look", silent)
    assert rotation._await_taken(settings, right) is True


def test_a_node_that_stays_silent_does_not_run(settings, right, monkeypatch):
    monkeypatch.setattr(rotation, "_SILENT_SECONDS", 0.01)
    monkeypatch.setattr(rotation, "look", lambda *_: SimpleNamespace(answered=False))
    assert rotation._await_taken(settings, right) is None


def test_a_node_that_answers_and_keeps_its_old_key_has_not_taken_it(settings, right, monkeypatch):
    monkeypatch.setattr(rotation, "_TAKEN_SECONDS", 0.01)
    monkeypatch.setattr(rotation, "look", lambda *_: SimpleNamespace(answered=True))
    assert rotation._await_taken(settings, right) is False
