"""Commands whose help ends with an example, printed as it is written."""

from typing import Any

import click


class ExampledCommand(click.Command):
    """A command with an example."""

    def __init__(self, *args: Any, example: str = "", **kwargs: Any) -> None:
        """`example` is shown line by line, never wrapped."""
        super().__init__(*args, **kwargs)
        self.example = example

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Ends the help with the example."""
        _write_example(self.example, formatter)


class ExampledGroup(click.Group):
    """A group with an example, of commands with examples."""

    command_class = ExampledCommand

    def __init__(self, *args: Any, example: str = "", **kwargs: Any) -> None:
        """`example` is shown line by line, never wrapped."""
        super().__init__(*args, **kwargs)
        self.example = example

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Ends the help with the example."""
        _write_example(self.example, formatter)


def _write_example(example: str, formatter: click.HelpFormatter) -> None:
    with formatter.section("Example"):
        for line in example.strip("\n").splitlines():
            formatter.write(f"  {line}".rstrip() + "\n")
