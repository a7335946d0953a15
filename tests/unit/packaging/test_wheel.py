"""What is built and what it needs: the wheel alone must serve an auditor who installs no server."""

import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

import twinledger

ROOT = Path(__file__).resolve().parents[3]
PARTS = {
    *("cli", "client", "consensus", "consortium", "demos", "devnet", "execution", "ledger", "node"),
    *("queries", "simulation", "storage", "twins", "v1"),
}

# One worker builds the wheel once for all of these.
pytestmark = pytest.mark.xdist_group("wheel")


@dataclass(frozen=True)
class BareInstall:
    """A fresh environment that holds the wheel and what its base needs, nothing more."""

    programs: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        program, *arguments = command
        # Nothing of the checkout may be found by accident.
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        return subprocess.run(
            [self.programs / program, *arguments],
            cwd=self.programs,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def run(*command: str | Path) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> BareInstall:
    folder = tmp_path_factory.mktemp("bare") / "environment"
    run(sys.executable, "-m", "venv", folder)
    constraints = ROOT / "scripts" / "constraints.txt"
    install = ("-m", "pip", "install", "--quiet", "--constraint", constraints, wheel)
    run(folder / "bin" / "python", *install)
    return BareInstall(folder / "bin")


def test_twinledger_is_a_namespace_package() -> None:
    spec = twinledger.__spec__
    assert spec is not None
    assert spec.origin is None


def test_the_wheel_installs_only_twinledger(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"twinledger"}
    assert "twinledger/__init__.py" not in names


def test_the_wheel_holds_every_part_and_its_type_marker(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {part for part in PARTS if f"twinledger/{part}/__init__.py" not in names} == set()
    assert {part for part in PARTS if f"twinledger/{part}/py.typed" not in names} == set()


def test_help_needs_no_extra(bare: BareInstall) -> None:
    done = bare.run("twinledger", "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage: twinledger" in done.stdout


@pytest.mark.parametrize(
    ("verb", "extra"),
    [
        (("node", "status", "--node", "127.0.0.1:1"), "client"),
        (("demo", "water"), "demo"),
    ],
)
def test_a_verb_that_needs_an_extra_says_which(
    bare: BareInstall, verb: tuple[str, ...], extra: str
) -> None:
    done = bare.run("twinledger", *verb)
    assert done.returncode != 0
    assert f"twinledger[{extra}]" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_base_brings_no_server_library(bare: BareInstall) -> None:
    done = bare.run("python", "-m", "pip", "list", "--format=freeze")
    installed = {line.split("==")[0].lower() for line in done.stdout.splitlines()}
    assert {"twinledger", "pynacl", "protobuf", "click"} <= installed
    assert installed.isdisjoint({"grpcio", "plyvel", "networkx", "pydantic", "wntr"})
