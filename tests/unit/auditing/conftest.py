import shutil
from pathlib import Path

import pytest

from scripts.benchmark.chain import Chain
from tests.unit.snapshots.conftest import snapshot_of


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stopped node's folder with a chain of every kind of record, in tables and in logs."""
    path = tmp_path_factory.mktemp("sound") / "data"
    chain = Chain.create(path)
    chain.grow(50)
    chain.configuration()
    chain.close()
    chain = Chain.open(path)
    chain.grow(50)
    snapshot_of(chain)
    chain.close()
    return path


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    """A copy of it, to damage."""
    return shutil.copytree(sound, tmp_path / "data")
