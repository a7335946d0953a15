"""Every command of docs/operations, run as it stands, against a devnet of four members."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.integration.accounts import same_head
from tests.integration.pages import OPERATIONS, Terminal, blocks_of
from twinledger.devnet.control import Devnet
from twinledger.devnet.creation import create

ELSEWHERE = {"join.md", "replace.md"}
"""Pages whose commands another test runs, on a devnet of its own."""
SHORT = {"access.md", "rotate.md"}
"""Pages that are run always; the others are long."""
PAGES = [
    pytest.param(page, id=page.name, marks=() if page.name in SHORT else pytest.mark.full)
    for page in sorted(OPERATIONS.glob("*.md"))
    if blocks_of(page) and page.name not in ELSEWHERE
]


@pytest.fixture(scope="module")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    net = Devnet(create(tmp_path_factory.mktemp("pages") / "D", 4))
    try:
        asyncio.run(net.up())
        yield net
    finally:
        net.down()


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_does_what_it_says(devnet, page, request):
    everything = request.config.getoption("--full")
    terminal = Terminal(devnet.layout.path.parent)
    try:
        for block in blocks_of(page):
            if everything or not block.full:
                terminal.run(block)
    finally:
        terminal.close()
    # Whatever a page teaches to break, it teaches to mend: all nodes are up and agree.
    asyncio.run(same_head(devnet.layout))
