"""What is built and what it needs: the wheel alone must serve an auditor who installs no server."""

import fcntl
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import twinledger
from tests.unit.proofs.cases import Case, cases

ROOT = Path(__file__).resolve().parents[3]
PARTS = {
    *("cli", "client", "consensus", "consortium", "demos", "devnet", "execution", "ledger", "node"),
    *("proofs", "queries", "simulation", "storage", "twins", "v1"),
}


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


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first worker to come makes, and the others wait for."""
    ours = factory.getbasetemp()
    place = ours.parent if "PYTEST_XDIST_WORKER" in os.environ else ours
    folder, done = place / name, place / f"{name}.made"
    with (place / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            make(folder)
            done.touch()
    return folder


def build_wheel(folder: Path) -> None:
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (built,) = made_once(tmp_path_factory, "wheel", build_wheel).glob("*.whl")
    return built


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> BareInstall:
    def install(folder: Path) -> None:
        run(sys.executable, "-m", "venv", folder)
        constraints = ROOT / "scripts" / "constraints.txt"
        pip = (folder / "bin" / "python", "-m", "pip", "install", "--quiet")
        run(*pip, "--constraint", constraints, wheel)

    return BareInstall(made_once(tmp_path_factory, "bare", install) / "bin")


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


BUNDLES = [
    case for case in cases() if case.chain_id and case.name.split()[0] in ("head", "history")
]


@pytest.mark.parametrize("case", BUNDLES, ids=lambda case: case.name)
def test_a_proof_is_verified_by_the_base_alone(
    bare: BareInstall, case: Case, tmp_path: Path
) -> None:
    assert case.chain_id is not None
    (tmp_path / "a.proof").write_bytes(case.raw)
    done = bare.run(
        "twinledger", "verify", str(tmp_path / "a.proof"), "--chain-id", case.chain_id.hex()
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("PROVEN\n")


def test_the_base_brings_no_server_library(bare: BareInstall) -> None:
    done = bare.run("python", "-m", "pip", "list", "--format=freeze")
    installed = {line.split("==")[0].lower() for line in done.stdout.splitlines()}
    assert {"twinledger", "pynacl", "protobuf", "click"} <= installed
    assert installed.isdisjoint({"grpcio", "plyvel", "networkx", "pydantic", "wntr"})
