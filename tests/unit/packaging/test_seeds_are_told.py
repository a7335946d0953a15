"""What a simulated seed amounted to is printed, whoever ran it."""

import shutil
import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).resolve().parents[2] / "conftest.py"
LINE = "seed 7: 20,000 events"
SEED = f"def test_it(record_property): record_property('simulated seed', {LINE!r})\n"


def test_a_seed_that_a_worker_ran_in_a_folder_below_is_printed(tmp_path: Path) -> None:
    below = tmp_path / "tests" / "sim"
    below.mkdir(parents=True)
    shutil.copy(CONFTEST, below.parent)
    (below / "test_seeds.py").write_text(SEED)
    done = subprocess.run(
        (sys.executable, "-m", "pytest", "-q", "-n", "1", "-p", "no:cacheprovider", "tests"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert LINE in done.stdout.splitlines()
