"""On the project's own CI a test that skips fails, and elsewhere it skips."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[2] / "conftest.py"

TESTS = {
    "test": "import pytest\n\ndef test_it():\n    pytest.skip('no node')\n",
    "module": "import pytest\n\npytest.skip('no node', allow_module_level=True)\n",
    "mark": "import pytest\n\n@pytest.mark.skip(reason='no node')\ndef test_it(): pass\n",
    "expected": "import pytest\n\n@pytest.mark.xfail\ndef test_it():\n    assert 0\n",
}


def run_in_a_checkout(folder: Path, test: str, ci: str, shared: bool) -> str:
    """Run one test in a checkout of its own with our conftest; returns pytest's last line."""
    tests = folder / "checkout" / "tests"
    tests.mkdir(parents=True)
    shutil.copy(CONFTEST, tests)
    (tests / "test_one.py").write_text(test)
    if shared:
        (folder / "shared").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=tests.parent,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("kind", ["test", "module", "mark"])
def test_a_skip_fails_on_ci_with_shared_present(kind: str, tmp_path: Path) -> None:
    last = run_in_a_checkout(tmp_path, TESTS[kind], ci="true", shared=True)
    assert "skipped" not in last
    assert "1 failed" in last or "1 error" in last


@pytest.mark.parametrize(("ci", "shared"), [("", True), ("true", False)])
def test_a_skip_is_a_skip_elsewhere(ci: str, shared: bool, tmp_path: Path) -> None:
    last = run_in_a_checkout(tmp_path, TESTS["test"], ci=ci, shared=shared)
    assert "1 skipped" in last
    assert "failed" not in last


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    assert "1 xfailed" in run_in_a_checkout(tmp_path, TESTS["expected"], ci="true", shared=True)
