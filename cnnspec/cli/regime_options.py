"""Options that say how networks are trained, and which of them do not go together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from cnnspec.analysis.learning import DECAYS, EPOCHS, LOSSES, RATES, SCHEDULES, Regime
from cnnspec.cli.train_values import Number, take_augmentations, take_duration

F = TypeVar("F", bound=Callable[..., Any])

#: What operators may compute in.
DTYPES = ("float32", "bfloat16", "float16")
#: Parameters of `Regime` that the command line gives as they are.
_FIELDS = ("optimizer", "momentum", "schedule", "warmup", "loss", "smoothing", "clip", "average", "dtype", "steps",
           "seconds", "augment", "seed", "deterministic")

_OPTIONS = (
    click.option("--root", metavar="FOLDER", help="Where data sets lie that have a name, or are downloaded to."),
    click.option("--epochs", type=click.IntRange(1),
                 help="Passes over the images (default 10, if nothing else bounds it)."),
    click.option("--steps", type=click.IntRange(1), help="Steps at most."),
    click.option("--time", "seconds", callback=take_duration, metavar="DURATION",
                 help="Time at most, such as 60s or 5m."),
    click.option("--lr", "rate", type=Number(0, min_open=True), metavar="RATE",
                 help="Learning rate (default 0.001 for adamw, 0.05 for sgd)."),
    click.option("--momentum", type=Number(0, 1, max_open=True), default=0.9, show_default=True,
                 help="Of sgd."),
    click.option("--weight-decay", "decay", type=Number(0), metavar="X",
                 help="On weights, not on biases and norms (default 0.01 for adamw, 0.0005 for sgd)."),
    click.option("--schedule", type=click.Choice(SCHEDULES), default="cosine", show_default=True,
                 help="How the learning rate falls."),
    click.option("--warmup", type=Number(0, 1, max_open=True), default=0.05, show_default=True,
                 help="Share of the run in which the learning rate rises."),
    click.option("--loss", type=click.Choice(LOSSES), default="cross-entropy", show_default=True,
                 help="hinge is the multi-class one."),
    click.option("--label-smoothing", "smoothing", type=Number(0, 1, max_open=True), default=0.0,
                 help="Of cross-entropy."),
    click.option("--clip", type=Number(0, min_open=True), metavar="NORM",
                 help="Largest norm of the gradients."),
    click.option("--ema", "average", type=Number(0, 1, min_open=True, max_open=True), metavar="DECAY",
                 help="Judge by averaged weights, such as 0.999."),
    click.option("--augment", default="", callback=take_augmentations, metavar="NAME,…",
                 help="flip, crop, randaugment."),
    click.option("--seed", type=click.IntRange(0, 2**31), default=0, show_default=True,
                 help="Decides all that is random."),
    click.option("--deterministic", is_flag=True, help="Only operators that give the same bits each time."),
)
#: Their parameters: beside `device`, `batch`, `dtype`, `optimizer` and `threads`, which commands have for other things
#: too.
PARAMETERS = ("root", "epochs", "steps", "seconds", "rate", "momentum", "decay", "schedule", "warmup", "loss",
              "smoothing", "clip", "average", "augment", "seed", "deterministic")


def regime_options(function: F) -> F:
    """`--epochs`, `--lr` and the others: the same for all commands that train."""
    for decorate in reversed(_OPTIONS):
        function = decorate(function)
    return function


def take_regime(given: Mapping[str, Any]) -> Regime:
    """How to train, as the command line says; a batch of None is 0, for the largest. Without any bound, ten epochs."""
    bounded = any(given[name] is not None for name in ("epochs", "steps", "seconds"))
    optimizer = given["optimizer"]
    return Regime(**{name: given[name] for name in _FIELDS}, rate=given["rate"] or RATES[optimizer],
                  batch=given["batch"] or 0, decay=DECAYS[optimizer] if given["decay"] is None else given["decay"],
                  epochs=given["epochs"] if bounded else EPOCHS)


def refuse_regime(given: Mapping[str, Any]) -> None:
    """Raise `click.UsageError` for options of training that do not go together, or not with the device."""
    if given["optimizer"] != "sgd" and is_given("momentum"):
        raise click.UsageError("--momentum goes with --optimizer sgd")
    if given["loss"] == "hinge" and given["smoothing"]:
        raise click.UsageError("--label-smoothing goes with --loss cross-entropy")
    if given["dtype"] not in DTYPES:
        raise click.UsageError(f"networks are not trained in {given['dtype']}; --dtype takes {', '.join(DTYPES)}")
    if given["dtype"] == "float16" and given["device"].partition(":")[0] == "cpu":
        raise click.UsageError("--dtype float16 is for GPUs; bfloat16 trains on the CPU as well")


def is_given(name: str) -> bool:
    """Whether the command line has an option, rather than its default."""
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def refuse_idle_training(needed: str, names: Collection[str] = PARAMETERS) -> None:
    """Raise `click.UsageError` for options of training on a line that trains nothing, without the needed option."""
    for option in click.get_current_context().command.params:
        if option.name in names and is_given(option.name):
            raise click.UsageError(f"{option.opts[0]} goes with {needed}")
