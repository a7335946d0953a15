"""Prints what every simulated seed amounted to, also when the tests ran in several processes."""

import pytest

SEED_LINE = "simulated seed"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
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
