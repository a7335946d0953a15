"""A process counts as a node only when it is that node: numbers are used again."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from twinledger.client import Code, LedgerError
from twinledger.devnet import process
from twinledger.devnet.process import NodeProcess

SLEEPER = "import sys, time; print('ready', flush=True); time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"


def started(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def write_pid(node: NodeProcess, pid: int, start: str) -> None:
    (node.folder / "node.pid").write_text(json.dumps({"pid": pid, "started": start}))


@pytest.fixture
def node(tmp_path: Path) -> NodeProcess:
    return NodeProcess(tmp_path)


class Stand:
    """Starts processes that look like a node, or do not, and ends them."""

    def __init__(self) -> None:
        self.running: list[subprocess.Popen[str]] = []

    def start(self, script: str, *arguments: str) -> int:
        command = [sys.executable, "-c", script, *arguments]
        made = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.running.append(made)
        assert made.stdout is not None
        made.stdout.readline()
        return made.pid

    def end(self) -> None:
        for each in self.running:
            if each.poll() is None:
                each.kill()
            each.wait()
            assert each.stdout is not None
            each.stdout.close()


@pytest.fixture
def stand() -> Iterator[Stand]:
    made = Stand()
    yield made
    made.end()


def test_a_process_that_is_this_node_is_found(node: NodeProcess, stand: Stand) -> None:
    pid = stand.start(SLEEPER, str(node.config))
    write_pid(node, pid, started(pid))
    assert node.pid == pid


def test_a_process_with_another_command_is_not_this_node(node: NodeProcess, stand: Stand) -> None:
    pid = stand.start(SLEEPER, str(node.folder / "other.toml"))
    write_pid(node, pid, started(pid))
    assert node.pid is None


def test_a_process_that_started_at_another_time_is_not_this_node(
    node: NodeProcess, stand: Stand
) -> None:
    pid = stand.start(SLEEPER, str(node.config))
    write_pid(node, pid, str(int(started(pid)) - 1))
    assert node.pid is None


def test_a_number_that_somebody_else_has_now_is_never_killed(
    node: NodeProcess, stand: Stand
) -> None:
    pid = stand.start(SLEEPER)
    write_pid(node, pid, started(pid))
    with pytest.raises(LedgerError) as raised:
        node.kill()
    assert raised.value.code is Code.NO_SUCH_NODE
    node.ask_to_stop()
    assert not node.end(time.monotonic() + 1)
    assert stand.running[0].poll() is None


def test_without_a_file_there_is_no_process(node: NodeProcess) -> None:
    assert node.pid is None
    assert node.log_tail() == ""


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"pid": "x", "started": "1"}'])
def test_a_damaged_file_is_named_rather_than_believed(node: NodeProcess, content: str) -> None:
    (node.folder / "node.pid").write_text(content)
    with pytest.raises(LedgerError, match=r"node\.pid"):
        _ = node.pid


def test_killing_waits_until_the_process_is_gone(node: NodeProcess, stand: Stand) -> None:
    pid = stand.start(DEAF, str(node.config))
    write_pid(node, pid, started(pid))
    assert node.kill() == pid
    assert node.pid is None


def test_one_that_stops_when_asked_needs_no_killing(node: NodeProcess, stand: Stand) -> None:
    pid = stand.start(SLEEPER, str(node.config))
    write_pid(node, pid, started(pid))
    node.ask_to_stop()
    assert node.end(time.monotonic() + 30) is False
    assert node.pid is None


def test_one_that_will_not_stop_is_killed_and_that_is_said(node: NodeProcess, stand: Stand) -> None:
    pid = stand.start(DEAF, str(node.config))
    write_pid(node, pid, started(pid))
    node.ask_to_stop()
    assert node.end(time.monotonic() + 0.2) is True
    assert node.pid is None


def test_a_node_is_never_started_twice(node: NodeProcess, stand: Stand) -> None:
    pid = stand.start(SLEEPER, str(node.config))
    write_pid(node, pid, started(pid))
    with pytest.raises(LedgerError) as raised:
        node.start()
    assert raised.value.code is Code.DATA_IN_USE


def test_a_process_that_is_started_is_found_and_its_words_are_kept(
    node: NodeProcess,
) -> None:
    # There is no node.toml: the node says so and ends.
    pid = node.start()
    assert pid != os.getpid()
    node.end(time.monotonic() + 60)
    assert node.pid is None
    assert "CONFIG_INVALID" in node.log_tail()


def test_a_log_is_shown_by_its_end(node: NodeProcess) -> None:
    node.log.write_text("early\n" + "x" * process._LOG_TAIL_BYTES + "\nlate\n")
    assert node.log_tail().endswith("late\n")
    assert "early" not in node.log_tail()
