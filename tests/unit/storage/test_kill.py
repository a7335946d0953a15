"""A real process writes and is killed with SIGKILL in the middle of it, again and again."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.storage.executing import Node
from twinledger.consensus import Index

WRITER = """
import sys
from pathlib import Path
from tests.unit.storage.executing import Node
from tests.unit.storage.writing import append, chain, persist

node = Node(Path(sys.argv[1]))
for height in range(1 + (node.chain.applied_height or 0), node.log.last_index() + 1):
    node.execute({b"counter": height.to_bytes(8, "big")}, [("p", height)])
while True:
    height = node.log.last_index() + 1
    entries = chain(node.log, [height.to_bytes(8, "big") * 200, b"conflict"], term=3)
    node.log.write(persist(*entries, commit=height))
    print(height, entries[0].hash.hex(), flush=True)
    node.execute({b"counter": height.to_bytes(8, "big")}, [("p", height)])
    node.log.write(persist(truncate_from=height + 1, commit=height))
"""


def run_and_kill(folder: Path, after: int) -> dict[int, str]:
    """Return what the child reported as synced, by height."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)],
        env={"PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            assert child.stdout is not None
            reported = [child.stdout.readline() for _ in range(after)]
        finally:
            child.kill()
        reported += child.stdout.readlines()
    assert child.returncode == -signal.SIGKILL
    lines = [line.split() for line in reported if line.endswith("\n")]
    return {int(height): rolling_hash for height, rolling_hash in lines}


@pytest.mark.parametrize("seed", range(6))
def test_what_a_killed_process_reported_is_there(tmp_path: Path, seed: int) -> None:
    Node.create(tmp_path).close()
    draw = random.Random(seed)
    reported = dict[int, str]()
    for _ in range(3):
        reported |= run_and_kill(tmp_path, draw.randrange(1, 120))
    node = Node(tmp_path)
    for height, rolling_hash in reported.items():
        assert node.log.hash(Index(height)).hex() == rolling_hash
    applied = node.chain.applied_height
    assert applied is not None
    assert max(reported) - 1 <= applied <= node.log.last_index()
    assert node.chain.get(b"counter") == applied.to_bytes(8, "big")
    updates = node.chain.updates("p", 0, applied + 1)
    assert [place.version for place in updates] == [*range(1, applied + 1)]
    assert all(node.chain.block(height).payload for height in range(1, applied + 1))
    node.close()
