"""The command line as its operators type it, run inside the test's process: it starts at once."""

import json
from typing import Any

from click.testing import CliRunner, Result

from twinledger.cli.verbs import root


def run(*arguments: object) -> Result:
    """Run a command with --json."""
    words = [*map(str, arguments), "--json"]
    return CliRunner().invoke(root, words, catch_exceptions=False)


def answer(*arguments: object) -> Any:
    """What a command that must succeed answers."""
    done = run(*arguments)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def refusal(*arguments: object) -> str:
    """The code of the error with which a command must fail."""
    done = run(*arguments)
    assert done.exit_code == 1, done.stdout
    return str(json.loads(done.stderr)["code"])
