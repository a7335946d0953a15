"""How the tests run: what is left for --full, what may be skipped, what simulated seeds tell."""

import os
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

SEED_LINE = "simulated seed"
"""The property of a test's report that holds what a seed amounted to."""

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile("quick", deadline=None)
settings.register_profile("full", deadline=None, max_examples=2_000)


def nothing_may_skip() -> bool:
    """On the project's own CI everything a test needs is there: a skip hides something."""
    return os.environ.get("CI") == "true" and (ROOT.parent / "shared").is_dir()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run the long tests too")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "full: takes long; runs only with --full")
    settings.load_profile("full" if config.getoption("--full") else "quick")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--full"):
        return
    long = [item for item in items if item.get_closest_marker("full")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    return _without_skip(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    return _without_skip(report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what every simulated seed amounted to.

    Here, for where workers run the tests the process that prints reads no conftest further below.
    """
    lines = [
        str(text)
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        for name, text in report.user_properties
        if name == SEED_LINE
    ]
    if lines:
        terminalreporter.section("simulated seeds")
        for text in sorted(lines, key=_seed):
            terminalreporter.write_line(text)


def _seed(text: str) -> int:
    return int(text.split()[1].rstrip(":"))


def _without_skip(report: Report) -> Report:
    """Turn a skip into a failure where nothing may skip; an expected failure is no skip."""
    if report.skipped and not hasattr(report, "wasxfail") and nothing_may_skip():
        report.outcome = "failed"
        report.longrepr = f"nothing may skip here, but this did: {report.longrepr}"
    return report
