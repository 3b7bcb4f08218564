"""What the shells get: scripts for bash and fish that pass values on as they are, and answers that never fail."""

import contextlib
import io
import os
import re
import shlex

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    get_completion_class,
    shell_complete,
    split_arg_string,
)

from inventory.errors import ConfigurationError

COMPLETE_VARIABLE = "_LMS_INVENTORY_COMPLETE"
"""The variable in which a shell says what it wants."""

# bash breaks words at = and : too, and replaces only what stands after the last of them.
_BASH = r"""
%(complete_func)s() {
    local type value
    COMPREPLY=()
    while IFS=',' read -r type value; do
        if [[ $type == dir ]]; then
            compopt -o dirnames
        elif [[ $type == file ]]; then
            compopt -o default
        elif [[ $type == plain ]]; then
            COMPREPLY+=("$value")
        fi
    done < <(COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_BREAKS="$COMP_WORDBREAKS" \
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
    return 0
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""
_FISH = """
function %(complete_func)s;
    set -l response (env %(complete_var)s=fish_complete COMP_WORDS=(commandline -cp | string collect) \
COMP_CWORD=(commandline -t | string collect) %(prog_name)s 2>/dev/null);

    for completion in $response;
        set -l metadata (string split -m 1 "," -- $completion);
        if test "$metadata[1]" = "dir";
            __fish_complete_directories $metadata[2];
        else if test "$metadata[1]" = "file";
            __fish_complete_path $metadata[2];
        else if test "$metadata[1]" = "plain";
            echo $metadata[2];
        end;
    end;
end;

complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)";
"""


class _WholeWords(ShellComplete):
    """Completion of ``--option=value``, of which click gives the values alone: shells expect the whole word."""

    def get_completions(self, args: list[str], incomplete: str) -> "list[CompletionItem[str]]":
        """Return what may stand in place of a word that is not complete."""
        option, sign, _ = incomplete.partition("=")
        items = super().get_completions(args, incomplete)
        if option.startswith("--") and sign:
            for item in items:
                item.value = f"{option}={item.value}" if item.type == "plain" else item.value
        return items


@add_completion_class
class _Zsh(_WholeWords, ZshComplete):
    """Completion in zsh."""


@add_completion_class
class _Bash(_WholeWords, BashComplete):
    """Completion in bash, of words that hold ``=``, ``:``, spaces and quotes too."""

    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the cursor, and the beginning of the word at the cursor."""
        line = os.environ["COMP_LINE"]
        words = split_arg_string(line)[1:]
        # A space after the cursor's last word ends it, unless it is inside quotes or escaped.
        is_new = not words or len(split_arg_string(f"{line}x")[1:]) > len(words)
        self._incomplete = "" if is_new else words.pop()
        return words, self._incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """Return a value as bash inserts it: quoted, and without what stands before its last word break."""
        if item.type != "plain":
            return f"{item.type},"
        value = str(item.value)
        if re.split(r"\s", os.environ["COMP_LINE"])[-1][:1] in ("'", '"'):
            return f"plain,{value}"
        breaks = [mark for mark in ":=" if mark in os.environ.get("COMP_BREAKS", ":=")]
        begin = max((self._incomplete.rfind(mark) for mark in breaks), default=-1) + 1
        return f"plain,{_escaped(value[begin:])}"


@add_completion_class
class _Fish(_WholeWords, FishComplete):
    """Completion in fish, of values with commas too."""

    source_template = _FISH


def _escaped(value: str) -> str:
    """Return a value with a backslash before each character that bash would act on."""
    return value if shlex.quote(value) == value else re.sub(r"([^\w@%+=:,./~-])", r"\\\1", value)


def complete(cli: click.Group, program: str, instruction: str) -> None:
    """Print the script of a shell, or the completions of a command line: nothing at all where something is wrong.

    Args:
        cli: the command.
        program: its name.
        instruction: the shell and what it wants, such as ``bash_source``.

    Raises:
        ConfigurationError: the script of an unknown shell was asked for.
    """
    shell, _, what = instruction.partition("_")
    if what != "complete" and (what != "source" or get_completion_class(shell) is None):
        raise ConfigurationError(
            f"there is no completion {instruction!r}", "Use bash_source, zsh_source or fish_source"
        )
    with contextlib.suppress(Exception, SystemExit), contextlib.redirect_stderr(io.StringIO()):
        shell_complete(cli, {}, program, COMPLETE_VARIABLE, instruction)
