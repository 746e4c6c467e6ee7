"""The `vigie` command: a table of commands that each package fills, loaded only when used.

A command is an entry point of the group ``vigie.commands`` whose object is a click command. Its line of help
is the first line of its docstring, read from the source without importing it, so that ``vigie --help`` is
quick and works where an extra is missing.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import click

from vigie.errors import VigieError

GROUP: Final = "vigie.commands"
"""Entry-point group of the commands."""

STATUS_ERROR: Final = 1
"""Exit status where something went wrong while doing what was asked."""

STATUS_USAGE: Final = 2
"""Exit status where what was asked cannot be done: wrong arguments, or an extra that is not installed."""

STATUS_INTERRUPTED: Final = 130
"""Exit status after Ctrl-C, as shells have it."""


class MissingExtra(click.ClickException):
    """A command needs packages that are not installed."""

    exit_code = STATUS_USAGE

    def __init__(self, command: str, package: str, extra: str | None) -> None:
        self.package = package
        self.extra = extra
        remedy = f"pip install 'vigie[{extra}]'" if extra else f"pip install {package}"
        super().__init__(f"`vigie {command}` needs {package}, which is not installed. Run: {remedy}")


class LazyCommands(click.Group):
    """Commands of all installed packages; one is imported when it is invoked, none for the list."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all commands, sorted."""
        return sorted(_table())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        entry = _table().get(cmd_name)
        if entry is None:
            return None
        try:
            command = entry.load()
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            # A missing module of ours is a fault of ours, and stays one.
            if not package or package.startswith("vigie"):
                raise
            raise MissingExtra(cmd_name, package, _extra_of(entry)) from error
        if not isinstance(command, click.Command):
            raise TypeError(f"entry point {entry.value} of {GROUP} is no click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, each with the first line of its docstring."""
        table = _table()
        rows = [(name, _first_line(table[name])) for name in self.list_commands(ctx)]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vigie", message="vigie %(version)s")
def vigie() -> None:
    """Talk to a Vigie bracelet, and judge one on the bench."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and end the process with its exit status.

    A command returns None or its exit status. Errors of the SDK are shown as one line, without a traceback.

    Parameters
    ----------
    arguments
        Words after ``vigie``; None takes those of the process.
    """
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    try:
        status = vigie.main(args=arguments, prog_name="vigie", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo(err=True)
        return STATUS_INTERRUPTED
    except VigieError as error:
        click.echo(f"vigie: {error}", err=True)
        return STATUS_ERROR
    return status if isinstance(status, int) else 0


def _table() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _extra_of(entry: EntryPoint) -> str | None:
    # Each package of the distribution but the SDK itself has an extra of its name.
    root = entry.module.partition(".")[0]
    return root.removeprefix("vigie_") if root.startswith("vigie_") else None


def _first_line(entry: EntryPoint) -> str:
    source = _source(entry.module)
    if source is None:
        return ""
    for node in ast.parse(source.read_bytes()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == entry.attr:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    return ""


def _source(module: str) -> Path | None:
    """Return the file of a module, importing neither it nor its parents."""
    root, *rest = module.split(".")
    spec = find_spec(root)
    for location in (spec.submodule_search_locations or []) if spec else []:
        path = Path(location, *rest)
        for candidate in (path.with_suffix(".py"), path / "__init__.py"):
            if candidate.is_file():
                return candidate
    return None
