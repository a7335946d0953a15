"""Whatever the documents and the help texts tell a reader to type, the command line understands."""

from pathlib import Path

import click
import pytest

from tests.unit.cli.written_commands import (
    blocks_of,
    commands_of,
    mentions_of,
    understand,
    unknown_in,
)

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_names_is_one_that_the_command_line_understands(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Pages say once that the environment names a devnet; and the files that they name are not here.
    monkeypatch.setenv("TWINLEDGER_DEVNET", "D")
    monkeypatch.setattr(click.File, "convert", lambda _type, value, *_: value)
    text = page.read_text()
    for words in blocks_of(text):
        understand(words)
    for words in mentions_of(text):
        assert unknown_in(words) == set(), " ".join(words)


def test_commands_are_found_within_a_script() -> None:
    script = """
# twinledger is not a command here
CHAIN=$(python -c 'print(1)') && twinledger twin get pump-7 > out 2>&1 &
until twinledger node status --node a \\
    --json; do sleep 1; done
echo '{"set": {"flow": 1}}' | twinledger tx submit - --receipt "a b"   # twinledger
"""
    assert list(commands_of(script)) == [
        ["twin", "get", "pump-7"],
        ["node", "status", "--node", "a", "--json"],
        ["tx", "submit", "-", "--receipt", "a b"],
    ]


@pytest.mark.parametrize(
    "written",
    [
        "twinledger twin fly pump-7",
        "twinledger twin get pump-7 --loudly",
        "twinledger twin get",
        "twinledger twin get pump-7 pump-8",
        "twinledger devnet up --dir D --nodes four",
        "ls && twinledger explode",
    ],
)
def test_what_the_command_line_would_refuse_is_found(written: str) -> None:
    (words,) = blocks_of(f"```sh\n{written}\n```")
    with pytest.raises(click.UsageError):
        understand(words)


def test_a_mention_names_commands_and_options_that_exist() -> None:
    page = "`node run|fly`, `twin get PUMP --loudly=1`, `nothing at all`, `twin get\\|set T`"
    fly, loudly, both = mentions_of(page)
    with pytest.raises(click.UsageError):
        unknown_in(fly)
    assert unknown_in(loudly) == {"--loudly"}
    assert unknown_in(both) == set()
