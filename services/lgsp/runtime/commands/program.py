"""The root of a command line: whatever its commands do, they end by one contract."""

import os
import platform
import re
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lgsp.runtime.commands.errors import Failure, failure_of
from lgsp.runtime.commands.output import print_document, say
from lgsp.runtime.text import is_text

_INTERRUPTED = 130
_UNREAD = 141
"""As of a program that SIGPIPE ends: whoever read its output has enough."""

_MAY_BE_EMPTY = {"--after"}  # of the first page
CONTEXT = {"help_option_names": ["-h", "--help"]}
"""Settings of every root command (`Typer(context_settings=CONTEXT)`)."""


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"mini-lgsp {metadata.version('mini-lgsp')}, Python {platform.python_version()}")
        raise typer.Exit


def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_show_version, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Take what stands before the command; the callback of every root command."""


class Program(TyperGroup):
    """A typer application (`Typer(cls=Program)`) whose every error follows the contract.

    With `--json` an error is one JSON document on stdout; always it is a line a fault on stderr.
    `standalone_mode=False` lets errors pass, for tests.
    """

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command of `args` (default: of the process) and exit."""
        arguments = list(sys.argv[1:] if args is None else args)
        _unwrap(self)

        def run() -> Any:
            return TyperGroup.main(
                self,
                arguments,
                prog_name,
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )

        if not standalone_mode:
            return run()
        sys.exit(ended(run, arguments, self.translated))

    def translated(self, error: BaseException) -> BaseException:
        """Return an error of a library that this program knows as one of ours."""
        return error


def _unwrap(command: Any) -> None:
    """Let the help's paragraphs break where the terminal ends, not where our lines do."""
    paragraphs = (command.help or "").split("\n\n")
    command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    for inner in getattr(command, "commands", {}).values():
        _unwrap(inner)


def ended(
    work: Callable[[], Any],
    arguments: Sequence[str],
    translated: Callable[[BaseException], BaseException] = lambda error: error,
) -> int:
    """Do the work of a command; show what went wrong; return the exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - to the end
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that cannot show a letter shows its escape
            stream.reconfigure(errors="backslashreplace")
    try:
        _refuse_no_text(arguments)
        code = work()
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit) as error:
        if isinstance(error, SystemExit) and not isinstance(error.__context__, BrokenPipeError):
            raise
        _drop(sys.stdout)
        return _UNREAD
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the end of the process
        if isinstance(error, typer.TyperException) and not error.format_message():
            return 2  # a group without a command has shown its help
        return show(failure_of(translated(error)), as_json="--json" in arguments)
    if code == _INTERRUPTED:
        return show(failure_of(KeyboardInterrupt()), as_json="--json" in arguments)
    return code if isinstance(code, int) else 0


def show(failure: Failure, *, as_json: bool) -> int:
    """Print a failure: lines on stderr, and with `as_json` its document; return the exit code."""
    try:
        for line in failure.lines():
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
        if as_json:
            print_document(failure.document())
    except OSError:  # neither stdout nor stderr takes anything: the exit code must do
        _drop(sys.stdout)
    return failure.exit_code


def _refuse_no_text(arguments: Sequence[str]) -> None:
    """Bytes can neither be asked for nor stored; the empty text would mean something else.

    `--data "$FOLDER"` would mean the folder one stands in, `--unit "$UNIT"` the whole province.
    """
    for before, argument in zip(["", *arguments], arguments, strict=False):
        if re.fullmatch("(--(?!after=)[a-z-]+=)?", argument) and before not in _MAY_BE_EMPTY:
            raise typer.BadParameter("an argument is empty: is a variable of the shell not set?")
        if not is_text(argument):
            raise typer.BadParameter(f"the argument {argument!r} is not UTF-8")


def _drop(stream: Any) -> None:
    """Let what is still to be written go nowhere, so that the interpreter ends in peace."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
    except (OSError, ValueError):
        return
