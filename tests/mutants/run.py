"""Applies each mutant to a copy of the core and shows which test kills it; see scripts/mutants.

First the untouched copy must pass. Then each mutant must fail in the scenarios or the unit tests.
With --simulation, so many simulated seeds are run against each mutant besides, to show how well
chance alone finds it; that is printed and decides nothing. Exit 0 when all mutants died.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.catalogue import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
CORE = Path("consensus/twinledger/consensus")
COPIED = ("consensus", "tests/unit/consensus", "tests/scenarios")
GARBAGE = "tests/unit/consensus/test_garbage.py"
# Stories first, random garbage last: a killer that draws no lots kills every time.
STAGES = (("tests/scenarios",), ("tests/unit/consensus", f"--ignore={GARBAGE}"), (GARBAGE,))
KILLER = re.compile(r"^(?:FAILED|ERROR) (\S+::\S+)", re.MULTILINE)
HUNG = re.compile(r"in (test_\w+)$", re.MULTILINE)
SIMULATION = """
import sys
from twinledger.simulation import InvariantBroken, run
for seed in range(int(sys.argv[1])):
    try:
        run(seed, 5, 5000)
    except InvariantBroken as found:
        sys.exit(f"seed {seed}: {found}".splitlines()[0])
"""


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant. `killer` is None if it lives."""

    mutant: Mutant
    killer: str | None
    seed: str | None


def main() -> int:
    """Run all, print a line for each, and return the exit code."""
    arguments = parse_arguments()
    chosen = [m for m in MUTANTS if not arguments.only or m.name in arguments.only]
    stale = [m.name for m in chosen if occurrences(m) != 1]
    if stale or not chosen:
        print(f"mutants: out of date or unknown: {', '.join(stale or arguments.only)}")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        killer = first_failure(make_copy(Path(folder), None))
    if killer is not None:
        print(f"mutants: the untouched core fails {killer}")
        return 1
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        outcomes = []
        for outcome in pool.map(lambda m: judge(m, arguments.simulation), chosen):
            outcomes.append(outcome)
            print(describe(outcome), flush=True)
    living = [outcome.mutant.name for outcome in outcomes if outcome.killer is None]
    print(f"mutants: {len(chosen) - len(living)} of {len(chosen)} died")
    return 1 if living else 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/mutants")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at once")
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--simulation", type=int, default=0, metavar="SEEDS")
    return parser.parse_args()


def occurrences(mutant: Mutant) -> int:
    """Count the places that the mutant would edit."""
    return (ROOT / CORE / mutant.file).read_text(encoding="utf-8").count(mutant.old)


def judge(mutant: Mutant, seeds: int) -> Outcome:
    """Apply one mutant to a copy and look for the test that fails."""
    with tempfile.TemporaryDirectory() as folder:
        copy = make_copy(Path(folder), mutant)
        return Outcome(mutant, first_failure(copy), first_bad_seed(copy, seeds))


def make_copy(folder: Path, mutant: Mutant | None) -> Path:
    """Copy what the tests need, with the mutant's edit in it."""
    ignore = shutil.ignore_patterns("__pycache__")
    for part in COPIED:
        shutil.copytree(ROOT / part, folder / part, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copy(ROOT / "tests/conftest.py", folder / "tests")
    if mutant is not None:
        path = folder / CORE / mutant.file
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    return folder


def first_failure(copy: Path) -> str | None:
    """Return the first test that fails in this copy, or None."""
    for stage in STAGES:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "--timeout=60",
            "-p",
            "no:cacheprovider",
        ]
        done = subprocess.run(
            [*command, *stage],
            cwd=copy,
            env=environment(copy),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            return named(done.stdout + done.stderr)
    return None


def named(output: str) -> str:
    """Return the test that failed or hung. That none did, and yet pytest failed, proves nothing."""
    found = KILLER.search(output) or HUNG.search(output)
    if found is None:
        raise RuntimeError(f"pytest did not run:\n{output}")
    return found.group(1)


def first_bad_seed(copy: Path, seeds: int) -> str | None:
    """Return the first simulated seed that finds something wrong in this copy, or None."""
    if not seeds:
        return None
    done = subprocess.run(
        [sys.executable, "-c", SIMULATION, str(seeds)],
        cwd=copy,
        env=environment(copy),
        capture_output=True,
        text=True,
        check=False,
    )
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["?"])[-1]


def environment(copy: Path) -> dict[str, str]:
    """Return an environment in which the copy is found before any installed project."""
    return {**os.environ, "PYTHONPATH": str(copy / "consensus"), "PYTHONDONTWRITEBYTECODE": "1"}


def describe(outcome: Outcome) -> str:
    """Return one line about one mutant."""
    fate = f"killed by {outcome.killer}" if outcome.killer else "LIVES"
    seed = f"; simulation: {outcome.seed}" if outcome.seed else ""
    return f"{outcome.mutant.name:55} {fate}{seed}"


if __name__ == "__main__":
    sys.exit(main())
