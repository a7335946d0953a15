"""Runs the commands of docs/operations, and of the front page, exactly as they stand there.

What is fenced as ```sh is run, by bash, in order; everything else is output or settings, holds no
command, and is not run. Every command must succeed. Each block is a shell of its own in one folder,
where a devnet is in `D`. Two things are put in: free ports for 127.0.0.1:7..., so that two runs on
one machine do not meet, and this checkout for the address that pages clone from.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.integration.single_node import free_address
from twinledger.devnet.creation import PORTS_VARIABLE

ROOT: Final = Path(__file__).resolve().parents[2]
OPERATIONS: Final = ROOT / "docs" / "operations"
FRONT_PAGE: Final = ROOT / "README.md"
CLONED_FROM: Final = "https://git.example/twinledger.git"
THIS_REPOSITORY: Final = "<this repository>"
"""What the front page clones from: it does not know where it is read."""
BLOCK_S: Final = 900.0

COMMANDS: Final = "sh"
_FENCED = re.compile(r"^```(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ADDRESS = re.compile(r"127\.0\.0\.1:7\d{3}\b")


@dataclass(frozen=True)
class Block:
    """A fenced block; `language` is what stands behind its fence."""

    language: str
    text: str

    @property
    def lines(self) -> list[str]:
        """Its commands, one a line; continued lines are one."""
        joined = self.text.replace("\\\n", " ")
        return [line for line in joined.splitlines() if line.strip() and line[0] != "#"]


def fenced(page: Path) -> list[Block]:
    """All fenced blocks of a page, in order."""
    return [Block(language, text) for language, text in _FENCED.findall(page.read_text())]


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page that are run, in order."""
    return [block for block in fenced(page) if block.language == COMMANDS]


@dataclass
class Terminal:
    """Runs blocks in a folder; what they leave running ends with it.

    Attributes:
        folder: Where commands run; holds the devnet `D`.
        addresses: The address that takes the place of each that a page names.
    """

    folder: Path
    addresses: dict[str, str] = field(default_factory=dict)
    _groups: list[int] = field(default_factory=list)

    def run(self, block: Block) -> str:
        """Run a block; return what it printed. It fails the test when a command fails."""
        commands = _ADDRESS.sub(self._address, block.text).replace(THIS_REPOSITORY, str(ROOT))
        output = self.folder / f"output-{len(list(self.folder.glob('output-*')))}"
        with output.open("wb") as written:
            process = subprocess.Popen(
                ["bash", "-e", "-x", "-o", "pipefail", "-c", commands],
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._groups.append(process.pid)
            code = process.wait(BLOCK_S)
        said = output.read_text(errors="replace")
        assert code == 0, f"the block ended with {code}:\n{said[-4000:]}"
        return said

    def close(self) -> None:
        """End what was left running, each by its own group."""
        for group in self._groups:
            try:
                os.killpg(group, signal.SIGTERM)
            except ProcessLookupError:
                continue

    def _address(self, found: re.Match[str]) -> str:
        return self.addresses.setdefault(found[0], free_address())

    def _environment(self) -> Mapping[str, str]:
        programs = Path(sys.executable).parent
        return {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith("TWINLEDGER_") or name == PORTS_VARIABLE
            },
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "TWINLEDGER_DEVNET": str(self.folder / "D"),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{ROOT}.insteadOf",
            "GIT_CONFIG_VALUE_0": CLONED_FROM,
        }
