"""On the project's own CI a test that skips fails, and elsewhere it skips."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[2] / "conftest.py"

TESTS = {
    "test_call": "import pytest\n\ndef test_it():\n    pytest.skip('no node')\n",
    "test_module": "import pytest\n\npytest.skip('no node', allow_module_level=True)\n",
    "test_mark": "import pytest\n\n@pytest.mark.skip(reason='no node')\ndef test_it(): pass\n",
    "test_expected": "import pytest\n\n@pytest.mark.xfail\ndef test_it():\n    assert 0\n",
    "test_passing": "def test_it(): pass\n",
}


def run_in_a_checkout(folder: Path, ci: str, shared: bool) -> dict[str, int]:
    """Run the tests in a checkout of its own with our conftest; returns pytest's own count."""
    tests = folder / "checkout" / "tests"
    tests.mkdir(parents=True)
    shutil.copy(CONFTEST, tests)
    for name, text in TESTS.items():
        (tests / f"{name}.py").write_text(text)
    if shared:
        (folder / "shared").mkdir()
    pytest_here = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    done = subprocess.run(
        [*pytest_here, "--continue-on-collection-errors", "tests"],
        cwd=tests.parent,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    counts = re.findall(r"(\d+) (\w+)", done.stdout.splitlines()[-1].partition(" in ")[0])
    return {outcome: int(count) for count, outcome in counts}


def test_every_kind_of_skip_fails_on_ci_with_shared_present(tmp_path: Path) -> None:
    counts = run_in_a_checkout(tmp_path, ci="true", shared=True)
    assert counts == {"failed": 1, "errors": 2, "passed": 1, "xfailed": 1}


@pytest.mark.parametrize(("ci", "shared"), [("", True), ("true", False)])
def test_a_skip_is_a_skip_elsewhere(ci: str, shared: bool, tmp_path: Path) -> None:
    counts = run_in_a_checkout(tmp_path, ci, shared)
    assert counts == {"skipped": 3, "passed": 1, "xfailed": 1}
