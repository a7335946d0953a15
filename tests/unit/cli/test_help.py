"""Every command explains itself, with an example, and listing them loads nothing heavy."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.written_commands import commands_of, understand
from twinledger.cli.exampled import ExampledCommand, ExampledGroup
from twinledger.cli.verbs import VERBS, root

# Written elsewhere, or with their own tests.
ELSEWHERE = {("demo", "water")}


def commands(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if (*path, name) not in ELSEWHERE:
                found = command.get_command(context, name)
                assert found is not None
                yield from commands(found, (*path, name))


ALL = dict(commands(root))
LEAVES = {path: command for path, command in ALL.items() if not isinstance(command, click.Group)}

WITHOUT_JSON = {("node", "run")}
"""Runs until it is stopped and logs JSON lines anyway."""


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_has_a_help_text_with_an_example(path: tuple[str, ...], run: Run) -> None:
    command = ALL[path]
    assert isinstance(command, ExampledCommand | ExampledGroup)
    assert "twinledger" in command.example
    shown = run(*path, "--help")
    assert shown.exit_code == 0
    assert "Example:" in shown.output
    assert command.example.strip().splitlines()[0] in shown.output


@pytest.mark.parametrize("path", sorted(LEAVES.keys() - WITHOUT_JSON), ids=" ".join)
def test_every_command_can_print_json(path: tuple[str, ...]) -> None:
    assert any("--json" in parameter.opts for parameter in LEAVES[path].params)


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_example_is_one_that_the_command_line_understands(
    path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ALL[path]
    assert isinstance(command, ExampledCommand | ExampledGroup)
    monkeypatch.setattr(click.File, "convert", lambda _type, value, *_: value)
    monkeypatch.setenv("TWINLEDGER_DEVNET", "D")
    found = list(commands_of(command.example))
    for words in found:
        understand(words)
    assert any(tuple(words[: len(path)]) == path for words in found), "it does not use the command"


def test_the_list_of_commands_says_what_each_is_for(run: Run) -> None:
    shown = run("--help").output
    for name, verb in VERBS.items():
        assert name in shown
        assert verb.help in shown


def test_listing_the_commands_imports_no_part_of_the_node_or_the_network() -> None:
    script = (
        "import sys; from twinledger.cli.verbs import root;"
        "root(['--help'], standalone_mode=False);"
        "heavy = {'grpc', 'rich', 'plyvel', 'networkx', 'pydantic', 'wntr', 'nacl'};"
        "sys.exit(str(heavy & sys.modules.keys()) if heavy & sys.modules.keys() else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_an_unknown_command_is_a_usage_error(run: Run) -> None:
    assert run("explode").exit_code == 2


@pytest.mark.parametrize(
    ("missing", "verb", "extra"),
    [
        ("grpc", "twin --help", "client"),
        ("rich", "tx --help", "client"),
        ("plyvel", "devnet --help", "node"),
        ("plyvel", "node run --config nowhere.toml", "node"),
        ("wntr", "demo water --dir nowhere", "demo"),
    ],
)
def test_a_missing_part_names_the_extra_that_brings_it(missing: str, verb: str, extra: str) -> None:
    script = (
        f"import sys; sys.modules[{missing!r}] = None;"
        f"from twinledger.cli.verbs import root; root({verb.split()!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "MISSING_EXTRA" in done.stderr
    assert f"pip install 'twinledger[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr
