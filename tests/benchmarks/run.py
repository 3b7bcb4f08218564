"""The tool beside the alternatives, figure by figure: S1 to S15, and how its cost grows.

    .venv/bin/pip install -e '.[bench]'
    .venv/bin/python tests/benchmarks/run.py --small            a minute or two
    .venv/bin/python tests/benchmarks/run.py                    everything; half an hour, 8 GB of memory, 20 GB of disk
    .venv/bin/python tests/benchmarks/run.py --only S4,S6 --json results.json
    .venv/bin/python tests/benchmarks/run.py --only scaling --plot tests/benchmarks/scaling.svg

Only the shares mean something: they compare what ran on one machine, in turns. The times are of that machine.
"""

import json
import os
import platform
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import click
from harness import HERE, OURS, run
from scaling import SCALING, measured, plot, scaling_text
from worker import RACES

RESULTS = HERE / "RESULTS.md"
_BLOCK = re.compile(r"(<!-- benchmarks:begin -->\n).*?(<!-- benchmarks:end -->)", re.DOTALL)
_UNITS = {"seconds": "time", "peak_mb": "memory", "cost": "cost", "cpu": "CPU"}


@click.command()
@click.option("--small", is_flag=True, help="Small sizes: to try it, not to judge by.")
@click.option("--only", metavar="NAME,...", help=f"Only these: {', '.join((*RACES, SCALING))}.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the fleets are made. Default: temporary.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Write the results to FILE, beside those there."
)
@click.option("--plot", "plot_file", type=click.Path(path_type=Path), help="Draw how the cost grows: .svg or .png.")
@click.option("--results", "publish", is_flag=True, help="Put the results into RESULTS.md.")
def main(
    small: bool, only: str | None, folder: Path | None, json_file: Path | None, plot_file: Path | None, publish: bool
) -> None:
    """Measure, check, and print a table."""
    names = only.split(",") if only else [*RACES, SCALING]
    if unknown := set(names) - {*RACES, SCALING}:
        raise click.UsageError(f"there is no {', '.join(sorted(unknown))}")
    results: dict[str, Any] = _earlier(json_file)
    results["machine"] = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    place = Path(tempfile.mkdtemp(dir=folder, prefix="lms-benchmarks-"))
    try:
        for name in names:
            results[name] = (
                measured(place / name, small=small, say=_say)
                if name == SCALING
                else run(RACES[name], place / name, small=small, say=_say)
            )
            shutil.rmtree(place / name)
            if json_file:
                json_file.write_text(json.dumps(results, indent=1))
    finally:
        shutil.rmtree(place, ignore_errors=True)
    text = table(results)
    click.echo(text, nl=False)
    if plot_file and SCALING in results:
        plot(results[SCALING], plot_file)
    if publish:
        picture = f"\n![How the cost grows]({os.path.relpath(plot_file, HERE)})\n" if plot_file else ""
        RESULTS.write_text(_BLOCK.sub(lambda found: f"{found[1]}{text}{picture}{found[2]}", RESULTS.read_text()))


def table(results: dict[str, Any]) -> str:
    """The results as Markdown."""
    lines = [
        "| # | what | size | contestants: median time, peak memory | share | target |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_line(results[name]) for name in RACES if name in results]
    text = "\n".join(lines) + "\n" if len(lines) > 2 else ""
    return text + (f"\n{scaling_text(results[SCALING])}" if SCALING in results else "")


def _line(result: dict[str, Any]) -> str:
    size = ", ".join(f"{count:,} {what}" for what, count in result["numbers"].items())
    times = "; ".join(_lane(name, lane) for name, lane in result["contestants"].items())
    shares = "; ".join(
        (f"**{one['share']:.2f}** of {one['against']}'s" if one["against"] else f"**{one['share']:.3g}**")
        + f" {_UNITS[one['measure']]}"
        for one in result["targets"]
    )
    verdicts = [f"{one['most']:g}" + (" met" if one["met"] else " missed") for one in result["targets"]]
    targets = "small sizes tell nothing" if result["small"] else "; ".join(verdicts)
    return f"| {result['name']} | {result['title']} | {size} | {times} | {shares} | {targets} |"


def _lane(name: str, lane: dict[str, float]) -> str:
    cost = f", cost {lane['cost']:.4g}" if "cost" in lane else ""
    cpu = f" ({lane['cpu']:.3g} s CPU)" if "cpu" in lane else ""
    return f"{name.replace(OURS, 'ours')} {lane['seconds']:.3g} s{cpu} {lane['peak_mb']:.0f} MB{cost}"


def _earlier(file: Path | None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text()) if file and file.exists() else {}
    return found


def _say(line: str) -> None:
    click.echo(line, err=True)


if __name__ == "__main__":
    main()
