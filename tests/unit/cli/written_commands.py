"""Finds the commands that a text names and holds them against the command line; it runs none.

A command of a block is written as it is typed: all of it must be understood. One within a sentence
may leave out the program's name and what is not talked about: what it names must exist.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress

import click

from twinledger.cli.verbs import VERBS, root

PROGRAM = "twinledger"
NOT_COMMANDS = {"toml", "ini", "json", "python"}
_FENCED = re.compile(r"^```(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`]+)`")
_BEFORE_A_COMMAND = {"if", "while", "until", "then", "do", "!"}


def commands_of(script: str) -> Iterator[list[str]]:
    """The words behind the program's name, of each of its commands in a shell's script."""
    for line in script.replace("\\\n", " ").splitlines():
        if PROGRAM in line:
            yield from _commands_of_line(line)


def _commands_of_line(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = list(lexer)
    while words:
        until = next((at for at, word in enumerate(words) if set(word) <= set(";&|()")), len(words))
        command, words = _without_redirections(words[:until]), words[until + 1 :]
        while command and command[0] in _BEFORE_A_COMMAND:
            del command[0]
        if command and command[0] == PROGRAM:
            yield command[1:]


def _without_redirections(words: Sequence[str]) -> list[str]:
    kept: list[str] = []
    rest = iter(words)
    for word in rest:
        if set(word) <= set("<>&"):
            if kept and kept[-1] in "12":
                del kept[-1]
            next(rest, None)
        else:
            kept.append(word)
    return kept


def blocks_of(page: str) -> Iterator[list[str]]:
    """The commands of a page's fenced blocks."""
    for language, text in _FENCED.findall(page):
        if language not in NOT_COMMANDS:
            yield from commands_of(text)


def mentions_of(page: str) -> Iterator[list[str]]:
    """What a page's sentences and tables name in code font that begins as a command does."""
    for text in _INLINE.findall(_FENCED.sub("", page)):
        words = text.replace("\\|", "|").split()
        if words[:1] == [PROGRAM]:
            yield words[1:]
        elif len(words) > 1 and words[0] in VERBS:
            yield words


def understand(words: Sequence[str]) -> None:
    """Read words as the command line does before it runs them.

    Raises:
        click.UsageError: it would refuse them.
    """
    context, left = _descend(words)
    with suppress(click.exceptions.Exit):
        context.command.parse_args(context, left)


def unknown_in(words: Sequence[str]) -> set[str]:
    """The options among these words that their command does not have; `a|b` are two commands.

    Raises:
        click.UsageError: there is no such command.
    """
    for at, word in enumerate(words):
        if "|" in word:
            return set().union(
                *(unknown_in([*words[:at], each, *words[at + 1 :]]) for each in word.split("|"))
            )
    context, left = _descend(words)
    known = {name for each in context.command.get_params(context) for name in each.opts}
    return {word.partition("=")[0] for word in left if word.startswith("--")} - known


def _descend(words: Sequence[str]) -> tuple[click.Context, list[str]]:
    context, left = click.Context(root, info_name=PROGRAM), list(words)
    while isinstance(context.command, click.Group) and left and left[0][0].islower():
        found = context.command.get_command(context, name := left.pop(0))
        if found is None:
            raise click.UsageError(f"{context.command_path} has no command {name}")
        context = click.Context(found, parent=context, info_name=name)
    return context, left
