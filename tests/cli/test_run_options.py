"""The options of runs on a command that may or may not run something."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner

from cnnspec.analysis.profile import Options
from cnnspec.cli.run_options import PARAMETERS, refuse_idle, refuse_runs, run_options, take_options


@click.command()
@click.option("--measure", is_flag=True)
@click.option("--device", default="cpu")
@click.option("--dtype", default="float32")
@click.option("--optimizer", default="adam")
@run_options
@click.pass_context
def command(ctx: click.Context, **given: Any) -> None:
    if given["measure"]:
        refuse_runs(given)
        click.echo(repr(take_options(given, batch=3)))
    else:
        refuse_idle(ctx, "--measure")
        click.echo("nothing runs")


def run(*arguments: str) -> str:
    return CliRunner().invoke(command, arguments).output


def test_what_is_not_said_is_as_options_are() -> None:
    assert run("--measure") == f"{Options(batch=3, optimizer='adam')!r}\n"


def test_what_is_said_is_taken() -> None:
    wanted = Options("training", 3, "bfloat16", autocast=True, channels_last=True, compiled=True, cold=True,
                     optimizer="sgd")
    assert run("--measure", "--mode", "training", "--dtype", "bfloat16", "--autocast", "--channels-last", "--compile",
               "--cold", "--optimizer", "sgd") == f"{wanted!r}\n"


def test_the_parameters_are_those_of_the_options() -> None:
    own = {"measure", "device", "dtype", "optimizer"}
    assert {option.name for option in command.params} - own == set(PARAMETERS)


@pytest.mark.parametrize(("arguments", "says"), [
    (["--dtype", "int8"], "networks do not run in int8; --dtype takes float32, tf32"),
    (["--dtype", "tf32"], "tf32 is for CUDA devices"),
    (["--autocast"], "--autocast goes with --dtype float16 or bfloat16"),
    (["--cuda-graph"], "--cuda-graph goes with --device cuda"),
    (["--cuda-graph", "--compile", "--device", "cuda:1"], "--cuda-graph and --compile do not go together"),
])
def test_what_does_not_go_together(arguments: list[str], says: str) -> None:
    assert says in run("--measure", *arguments)


@pytest.mark.parametrize("option", [
    ["--mode", "inference"], ["--autocast"], ["--channels-last"], ["--compile"], ["--cuda-graph"], ["--cold"],
    ["--threads", "2"], ["--energy"], ["--no-energy"]])
def test_without_a_run_they_are_refused_also_at_their_defaults(option: list[str]) -> None:
    name = "--energy" if option == ["--no-energy"] else option[0]
    assert f"{name} goes with --measure" in run(*option)


def test_without_them_nothing_is_refused() -> None:
    assert run("--dtype", "int8") == "nothing runs\n"
