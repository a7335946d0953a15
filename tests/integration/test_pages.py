"""Every command of docs/operations and of the front page, run as it stands."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.accounts import WITHIN_S, one_leader, same_head
from tests.integration.commands import run
from tests.integration.pages import (
    COMMANDS,
    FRONT_PAGE,
    OPERATIONS,
    ROOT,
    Terminal,
    blocks_of,
    fenced,
)
from twinledger.client import connect
from twinledger.client import operations as op
from twinledger.devnet.control import Devnet
from twinledger.devnet.creation import create
from twinledger.devnet.layout import FILE_NAME, Layout

ELSEWHERE = {"join.md", "replace.md"}
"""Pages whose commands another test runs, on a devnet of its own."""
ALONE = {"devnet.md"}
"""Pages that make the devnet themselves."""
SHORT = {"disk-full.md"}
"""Pages that are run always; the others are long."""
LANGUAGES = {COMMANDS, "", "toml", "ini", "json", "python"}
"""What is fenced; without a name it is output."""
LIAR = (str(Path(__file__).with_name("lying_witness_node.py")),)

ALL = [FRONT_PAGE, *sorted(OPERATIONS.glob("*.md"))]
PAGES = [
    pytest.param(page, id=page.name, marks=() if page.name in SHORT else pytest.mark.full)
    for page in ALL
    if blocks_of(page) and page.name not in ELSEWHERE | ALONE and page != FRONT_PAGE
]


@pytest.fixture(scope="module")
def devnet(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Devnet]:
    # Of a long page one must lead on until its last block, while others keep the machine busy.
    settings = {"consensus": {"tick_ms": 200 if request.config.getoption("--full") else 20}}
    net = Devnet(create(tmp_path_factory.mktemp("pages") / "D", 4, settings=settings))
    try:
        asyncio.run(net.up())
        asyncio.run(certify(net.layout, "pump-1"))
        yield net
    finally:
        net.down()


async def certify(layout: Layout, twin_id: str) -> None:
    """Create a twin: there is a history, and it is certified."""
    async with connect(profile=layout.profile, identity=layout.identity()) as ledger:
        await ledger.submit(op.create_twin(twin_id), certified=True, timeout_seconds=WITHIN_S)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """In an empty folder."""
    opened = Terminal(tmp_path)
    yield opened
    end(opened)


def end(terminal: Terminal, kept: Devnet | None = None) -> None:
    """End what pages left running, the devnets of pages that failed too."""
    terminal.close()
    for file in terminal.folder.glob(f"*/{FILE_NAME}"):
        if kept is None or file.parent != kept.layout.path:
            Devnet(Layout.load(file.parent)).down()


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_does_what_it_says(devnet: Devnet, page: Path) -> None:
    # What a page that failed left down shall not make the next one fail.
    asyncio.run(devnet.up())
    if page.name in BEFORE:
        asyncio.run(BEFORE[page.name](devnet))
    terminal = Terminal(devnet.layout.path.parent)
    try:
        for block in blocks_of(page):
            terminal.run(block)
    finally:
        end(terminal, devnet)
    # Whatever a page teaches to break, it teaches to mend: all nodes are up and agree.
    asyncio.run(same_head(devnet.layout))


@pytest.mark.full
@pytest.mark.parametrize("name", sorted(ALONE))
def test_every_command_of_a_page_that_begins_with_nothing_does_what_it_says(
    terminal: Terminal, name: str
) -> None:
    for block in blocks_of(OPERATIONS / name):
        terminal.run(block)


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_a_newcomer_sees_it_work_by_the_commands_of_the_front_page(terminal: Terminal) -> None:
    see_it_work, use_it = blocks_of(FRONT_PAGE)
    terminal.run(see_it_work)
    inside = Terminal(terminal.folder / "twinledger")
    try:
        inside.run(use_it)
    finally:
        end(inside)


def test_the_program_of_the_front_page_runs(devnet: Devnet) -> None:
    (program,) = [block.text for block in fenced(FRONT_PAGE) if block.language == "python"]
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=devnet.layout.path.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "COMMITTED in block" in done.stdout


@pytest.mark.parametrize("page", ALL, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_command_is_fenced_as_something_that_nobody_runs(page: Path) -> None:
    programs = {
        line.split()[0] for each in ALL for block in blocks_of(each) for line in block.lines
    }
    programs |= {"$", "sudo", "pip", "python", "systemctl", "docker"}
    for block in fenced(page):
        assert block.language in LANGUAGES
        if block.language != COMMANDS:
            begun = {line.split()[0] for line in block.lines}
            assert not begun & programs, f"{page.name} has a command that is not in a block of sh"


# What a page says of the devnet before its commands.


async def utility_1_leads(devnet: Devnet) -> None:
    """As docs/operations/node.md says."""
    layout, deadline = devnet.layout, time.monotonic() + WITHIN_S
    while (leader := await one_leader(layout)) != "utility-1":
        assert time.monotonic() < deadline, f"{leader} leads on"
        words = ("--node", leader, "--to", "utility-1", "--devnet", layout.path)
        # It may not lead any more, or lead on: then once more.
        await asyncio.to_thread(run, "node", "transfer-leadership", *words)


async def regulator_1_lied(devnet: Devnet) -> None:
    """As docs/operations/evidence.md says: the others hold what convicts it; it runs honestly."""
    layout = devnet.layout
    *others, liar = layout.nodes
    assert liar.name == "regulator-1"
    process = devnet.process(liar)
    process.ask_to_stop()
    process.end(time.monotonic() + WITHIN_S)
    process.start(LIAR)
    await certify(layout, "pump-2")
    for node in others:
        await convicted_at(layout, node.client_address)
    await devnet.restart(liar.name)


async def convicted_at(layout: Layout, address: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    async with connect(
        address, profile=layout.profile, identity=layout.identity(), discover=False
    ) as ledger:
        while not await ledger.evidence():
            assert time.monotonic() < deadline, f"{address} never has the evidence"
            await asyncio.sleep(0.1)


BEFORE = {"node.md": utility_1_leads, "evidence.md": regulator_1_lied}
