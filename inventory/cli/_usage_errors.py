"""Errors of click in this tool's words: what is wrong, then what to type."""

import difflib
import re
from collections.abc import Iterable, Sequence

import click
from click.core import ParameterSource

from inventory.errors import ConfigurationError, did_you_mean

_NEAR = 0.6  # How alike a word must be to be suggested.


def usage_error(error: click.UsageError, program: str) -> ConfigurationError:
    """Return the error of a command line, in one sentence and an advice.

    Args:
        error: as click raised it; its ``ctx`` is that of the command, if it is known.
        program: the name of the command.
    """
    context = error.ctx
    path = context.command_path if context else program
    see_help = f"See {path} --help"
    if isinstance(error, click.MissingParameter):
        return _missing(error, path)
    if isinstance(error, click.BadParameter) and error.param:
        return _bad_value(error, error.param)
    if isinstance(error, click.NoSuchOption):
        whose = f"{_short(path)} has" if " " in path else "there is"
        what = f"{whose} no option {error.option_name!r}"
        return ConfigurationError(what, _suggestion(error.option_name, _option_names(context), see_help))
    if isinstance(error, click.BadOptionUsage):
        return _bad_option(error, context, see_help)
    if match := re.search(r"extra arguments? \((.*)\)", error.message):
        usage = " ".join(context.get_usage().split()) if context else see_help
        return ConfigurationError(f"{_short(path)} takes no further argument: {match[1]}", usage)
    if context and isinstance(context.command, click.Group):
        return _bad_command(error, context, see_help)
    return ConfigurationError(" ".join(error.format_message().split()).rstrip("."), see_help)


def _missing(error: click.MissingParameter, path: str) -> ConfigurationError:
    """Return the error for a missing argument or option, with an example of the command."""
    parameter, command = error.param, error.ctx.command if error.ctx else None
    name = "an argument"
    if isinstance(parameter, click.Option):
        name = f"{parameter.opts[0]} {parameter.metavar or ''}".rstrip()
    elif parameter:
        name = (parameter.metavar or parameter.human_readable_name).removesuffix("...")
    words = f": {_one_of(parameter.type.choices)}" if parameter and isinstance(parameter.type, click.Choice) else ""
    examples: Sequence[tuple[str, str]] = getattr(command, "examples", ())
    example = next((line for line, _ in examples if line.startswith(f"{path} ")), "")
    advice = f"For example: {example}" if example else f"See {path} --help"
    return ConfigurationError(f"{_short(path)} needs {name}{words}", advice)


def _bad_value(error: click.BadParameter, parameter: click.Parameter) -> ConfigurationError:
    """Return the error for a value that an option, its variable or an argument cannot have."""
    name = max(parameter.opts, key=len) if isinstance(parameter, click.Option) else parameter.metavar
    source = error.ctx.get_parameter_source(parameter.name) if error.ctx and parameter.name else None
    if source is ParameterSource.ENVIRONMENT and isinstance(parameter.envvar, str):
        name = parameter.envvar
    value, _, reason = error.message.rpartition(" is not ")
    if not value:
        return ConfigurationError(f"{name or parameter.human_readable_name}: {reason.rstrip('.')}")
    if re.fullmatch(r"-?[0-9]+\.0", value):
        value = value.removesuffix(".0")
    what = f"{name or parameter.human_readable_name} cannot be {value}"
    if isinstance(parameter.type, click.Choice):
        word, choices = value.strip("'"), parameter.type.choices
        advice = f"{did_you_mean(word, choices, _NEAR)} Choose {_one_of(choices)}"
        return ConfigurationError(what, advice.lstrip())
    if isinstance(parameter.type, click.FloatRange | click.IntRange):
        return ConfigurationError(what, f"Give a {parameter.type.name}{_limits(parameter.type)}")
    if isinstance(parameter.type, click.types.BoolParamType):
        return ConfigurationError(what, "Set it to yes or no")
    return ConfigurationError(what, f"It is not {reason.rstrip('.')}")


def _limits(kind: click.FloatRange | click.IntRange) -> str:
    """Describe a range: ``, more than 0 and at most 86400``."""
    least = None if kind.min is None else f"more than {kind.min:g}" if kind.min_open else f"at least {kind.min:g}"
    most = None if kind.max is None else f"less than {kind.max:g}" if kind.max_open else f"at most {kind.max:g}"
    limits = " and ".join(filter(None, (least, most)))
    return f", {limits}" if limits else ""


def _bad_option(error: click.BadOptionUsage, context: click.Context | None, see_help: str) -> ConfigurationError:
    """Return the error for an option without a value, or for a flag with one."""
    parameters = context.command.params if context else []
    option = next((option for option in parameters if error.option_name in option.opts), None)
    if isinstance(option, click.Option) and option.is_flag:
        return ConfigurationError(f"{error.option_name} takes no value", f"Write {error.option_name} alone")
    write = f"Write {error.option_name} {option.make_metavar(context)}" if option and context else see_help
    return ConfigurationError(f"{error.option_name} needs a value", write)


def _bad_command(error: click.UsageError, context: click.Context, see_help: str) -> ConfigurationError:
    """Return the error for an unknown command, or a missing one."""
    commands = context.command.list_commands(context) if isinstance(context.command, click.Group) else []
    choices = f"Choose {_one_of(commands)}" if context.parent else see_help
    if not (match := re.search(r"'(.*?)'", error.message, re.DOTALL)):
        return ConfigurationError(f"{_short(context.command_path)} needs a command", f"{choices}; {see_help.lower()}")
    path = f"{_short(context.command_path)} {match[1]}" if context.parent else match[1]
    return ConfigurationError(f"there is no command {path!r}", _suggestion(match[1], commands, choices))


def _option_names(context: click.Context | None) -> list[str]:
    """Return the long names of the options of a command."""
    parameters = context.command.get_params(context) if context else []
    return [name for parameter in parameters for name in parameter.opts if name.startswith("--")]


def _suggestion(word: str, known: Sequence[str], otherwise: str) -> str:
    """Return the advice for an unknown word: the known one that it is a beginning of, or is most like."""
    longer = [name for name in known if len(word) > 3 and name.startswith(word)]
    bare = {name.lstrip("-"): name for name in known}
    near = longer[:1] or [bare[name] for name in difflib.get_close_matches(word.lower().lstrip("-"), bare, 1, _NEAR)]
    return f"Did you mean {near[0]!r}? {otherwise}" if near else otherwise


def _short(path: str) -> str:
    """Return the path of a command without the program's name, which stands before each message."""
    return path.partition(" ")[2] or path


def _one_of(words: Iterable[object]) -> str:
    *others, last = map(str, words)
    return f"{', '.join(others)} or {last}" if others else last
