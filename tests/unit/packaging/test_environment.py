"""scripts/environment: when it builds, when it does not, and what it says when it cannot.

The interpreter is a stand-in that notes each build instead of making one; everything else, the lock
and the fingerprint included, is the real script.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"

PYTHON = """#!/bin/sh
case "$*" in
    "-c import ensurepip, venv") {ensurepip} ;;
    "-m venv .venv")
        mkdir -p .venv/bin
        cp "{folder}/installer" .venv/bin/python
        cp "{folder}/installer" .venv/bin/python3.11 ;;
    *) exec "{python}" "$@" ;;
esac
"""

INSTALLER = """#!/bin/sh
case "$*" in
    "-m pip "*)
        echo build >>builds
        {install} ;;
    *) exec "{python}" "$@" ;;
esac
"""


class Checkout:
    """A checkout with the real script, and a PATH on which only the stand-in is a Python."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        self.programs = folder / "bin"
        (self.root / "scripts").mkdir(parents=True)
        self.programs.mkdir()
        shutil.copy(SCRIPTS / "environment", self.root / "scripts")
        (self.root / "pyproject.toml").write_text("one")
        (self.root / "scripts" / "constraints.txt").write_text("one")
        for tool in ("bash", "sh", "cat", "rm", "mkdir", "cp"):
            (self.programs / tool).symlink_to(str(shutil.which(tool)))
        for name in ("python3.12", "python3", "python"):
            self.write(name, "#!/bin/sh\nexit 127\n")
        self.have_python()
        self.installs()

    def write(self, name: str, text: str) -> None:
        path = self.programs / name
        path.write_text(text)
        path.chmod(0o755)

    def have_python(self, ensurepip: str = "exit 0") -> None:
        self.write(
            "python3.11",
            PYTHON.format(ensurepip=ensurepip, folder=self.programs, python=sys.executable),
        )

    def installs(self, install: str = "exit 0") -> None:
        self.write("installer", INSTALLER.format(install=install, python=sys.executable))

    def start(self, *first: Path, then: str = "echo $PATH", **more: str) -> "subprocess.Popen[str]":
        path = os.pathsep.join(str(folder) for folder in (*first, self.programs))
        return subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", f"source scripts/environment; {then}"],
            cwd=self.root,
            env={"PATH": path, "HOME": os.environ.get("HOME", "/"), **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *first: Path, **more: str) -> tuple[int, str, str]:
        process = self.start(*first, **more)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    @property
    def builds(self) -> int:
        noted = self.root / "builds"
        return len(noted.read_text().splitlines()) if noted.exists() else 0


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_the_first_run_builds_and_the_second_does_not(checkout: Checkout) -> None:
    code, out, err = checkout.run()
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].startswith(f"{checkout.root}/.venv/bin:")
    assert checkout.run()[0] == 0
    assert checkout.builds == 1


@pytest.mark.parametrize("changed", ["pyproject.toml", "scripts/constraints.txt"])
def test_a_changed_input_builds_again(checkout: Checkout, changed: str) -> None:
    checkout.run()
    (checkout.root / changed).write_text("two")
    assert checkout.run()[0] == 0
    assert checkout.builds == 2


def test_a_checkout_that_was_moved_builds_again(checkout: Checkout) -> None:
    checkout.run()
    checkout.root = checkout.root.rename(checkout.root.parent / "elsewhere")
    assert checkout.run()[0] == 0
    assert checkout.builds == 2


def test_a_changed_input_builds_again_from_within_the_environment(checkout: Checkout) -> None:
    checkout.run()
    (checkout.root / "pyproject.toml").write_text("two")
    activated = checkout.root / ".venv" / "bin"
    code, _, err = checkout.run(activated)
    assert (code, err) == (0, "")
    assert checkout.builds == 2


def test_what_is_started_in_the_environment_keeps_what_it_compiled(checkout: Checkout) -> None:
    then = "echo ${PYTHONDONTWRITEBYTECODE-kept}"
    code, out, err = checkout.run(then=then, PYTHONDONTWRITEBYTECODE="1")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "kept"


def test_an_environment_made_by_hand_is_not_believed(checkout: Checkout) -> None:
    checkout.run()
    (checkout.root / ".venv" / "ready").unlink()
    checkout.run()
    assert checkout.builds == 2


def test_a_failed_build_leaves_no_marker_and_is_made_again(checkout: Checkout) -> None:
    checkout.installs("exit 1")
    code, _, err = checkout.run()
    assert code == 1
    assert "could not be installed" in err
    assert not (checkout.root / ".venv" / "ready").exists()
    checkout.installs()
    assert checkout.run()[0] == 0
    assert checkout.builds == 2


def test_two_runs_at_once_build_once(checkout: Checkout) -> None:
    # The build lasts until both runs have been started.
    checkout.installs("while [ ! -e both ]; do cat /dev/null; done")
    runs = [checkout.start(), checkout.start()]
    (checkout.root / "both").touch()
    for process in runs:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert checkout.builds == 1


def test_a_missing_ensurepip_is_named_with_its_remedy(checkout: Checkout) -> None:
    checkout.have_python(ensurepip="exit 1")
    code, _, err = checkout.run()
    assert code == 1
    assert "has no ensurepip" in err
    assert "python3-venv" in err
    assert checkout.builds == 0


def test_without_a_right_python_it_says_which_are(checkout: Checkout) -> None:
    checkout.write("python3.11", "#!/bin/sh\nexit 127\n")
    code, _, err = checkout.run()
    assert code == 1
    assert "no Python 3.11 or 3.12 was found" in err
