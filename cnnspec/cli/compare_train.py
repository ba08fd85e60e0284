"""`cnnspec compare --train DATA`: the networks are trained on the same images, and what they learn joins the rest."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cnnspec.analysis.learning import Regime
from cnnspec.cli.regime_options import PARAMETERS as OF_REGIME
from cnnspec.cli.regime_options import is_given, refuse_idle_training, refuse_regime, regime_options, take_regime
from cnnspec.cli.reports import slug
from cnnspec.cli.train_spec import described, gives_classes
from cnnspec.net import Net
from cnnspec.record import Record

if TYPE_CHECKING:
    from cnnspec.analysis.rounds import Rounds
    from cnnspec.cli.train_progress import Live
    from cnnspec.runtime.train.course import Watcher
    from cnnspec.runtime.train.rounds import Entrant

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--train", "train", metavar="DATA",
                 help="Train them, with the same images, order, bounds and seeds: digits, mnist, fashion-mnist, "
                 "cifar10, cifar100, folder:PATH, npz:PATH, idx:PATH, synthetic."),
    click.option("--seeds", type=click.IntRange(1, 100), default=3, show_default=True,
                 help="Runs of each network, from --seed on; one shows no spread, and so no difference."),
    regime_options,
    click.option("--out", metavar="FOLDER", help="Keep the runs of --train there, each as FOLDER/NET-SEED."),
    click.option("--overwrite", is_flag=True, help="Put them in the place of runs that are there."),
)
#: Parameters that say nothing without `--train`.
PARAMETERS = ("seeds", *OF_REGIME, "out", "overwrite")
#: What trains where the memory of training is told for an optimiser.
_OPTIMIZERS = {"adamw": "adamw", "sgd": "sgd", "momentum": "sgd"}
#: Images of a step where no number is given: for all else the command takes one.
_BATCH = 64


class Contestant(Record):
    """A network that is to be trained."""

    #: Unlike the others'.
    name: str
    net: Net
    #: What names it, for `cnnspec train --resume`: `target` and `expression` (one is None), `settings` as `NAME=VALUE`,
    #: `inputs`.
    named: Mapping[str, Any]


def train_options(function: F) -> F:
    """`--train`, `--seeds`, `--out` and what says how to train.

    The command has `--device`, `--batch`, `--dtype`, `--optimizer` and `--threads` itself.
    """
    for decorate in reversed(_OPTIONS):
        function = decorate(function)
    return function


def refuse_training(given: Mapping[str, Any]) -> None:
    """Raise `click.UsageError` for options that do not go together, or where nothing is trained.

    `given` are all of the command's parameters.
    """
    if given["train"] is None:
        refuse_idle_training("--train", PARAMETERS)
        return
    if is_given("optimizer") and given["optimizer"] not in _OPTIMIZERS:
        raise click.UsageError(f"--train trains with sgd or adamw, not {given['optimizer']}")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise click.UsageError("compare --train trains in one process; `cnnspec train` does in several")
    refuse_regime(_as_training(given))


def compete(contestants: Sequence[Contestant], given: Mapping[str, Any]) -> Rounds:
    """Train the networks, and tell of it on stderr; Ctrl-C and SIGTERM end it with what is done.

    `given` are all of the command's parameters. Raises `SpecError` where nothing can begin.
    """
    from cnnspec.runtime import require_torch

    require_torch()
    from cnnspec.runtime.data.sources import open_data
    from cnnspec.runtime.devices import select
    from cnnspec.runtime.train.claim import claim
    from cnnspec.runtime.train.rounds import rounds
    from cnnspec.runtime.train.stop import stopping
    from cnnspec.runtime.train.team import Alone
    from cnnspec.runtime.workload import threads

    asked = _as_training(given)
    regime = take_regime(asked)
    seeds = range(regime.seed, regime.seed + asked["seeds"])
    entrants = [_entrant(one, asked) for one in contestants]
    for one in entrants if asked["out"] else ():
        for seed in seeds:
            with claim(one.kept(seed), empty=not one.overwrite):
                """It could be kept there: said before the first one trains."""
    telling = Telling(len(entrants) * len(seeds))
    with threads(asked["threads"]), stopping() as stopped, telling:
        return rounds(entrants, partial(open_data, asked["train"], asked["root"]), regime, seeds,
                      Alone(select(asked["device"]), regime.dtype), stopped, telling)


def exit_code(found: Rounds) -> int:
    """130 where it was interrupted; 1 where it ended for another reason, or a network or a run of one was lost."""
    if found.ended:
        return 130 if found.ended == "interrupted" else 1
    return 1 if any(rival.failure or rival.lost for rival in found.rivals) else 0


def _as_training(given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as `cnnspec train` has them: where the command's own default is for something else, train's."""
    return {**given, "device": given["device"] or "cpu", "batch": given["batch"] if is_given("batch") else _BATCH,
            "optimizer": _OPTIMIZERS[given["optimizer"]] if is_given("optimizer") else "adamw"}


def _entrant(one: Contestant, given: Mapping[str, Any]) -> Entrant:
    from cnnspec.runtime.train.rounds import Entrant

    spec = described(one.net, one.named, {"data": given["train"], "root": given["root"], "init": None, "freeze": None})
    folder = os.path.join(given["out"], slug(one.name)) if given["out"] else ""
    return Entrant(one.name, one.net, spec, gives_classes(one.named), folder, given["overwrite"])


class Telling:
    """Says which run goes on, and how; standard output stays as it is."""

    def __init__(self, runs: int) -> None:
        self.runs, self.number = runs, 0
        self.live: Live | None = None

    def begins(self, name: str, seed: int, regime: Regime) -> Sequence[Watcher]:
        """A line for the run, then one for each of its epochs."""
        from cnnspec.cli.train_progress import Live
        from cnnspec.render.train import TITLES

        self.number += 1
        self.live = Live(regime)
        if self.number == 1:
            self.live.say(TITLES)
        self.live.say(f"{name}, seed {seed} ({self.number} of {self.runs})")
        return [self.live]

    def loses(self, name: str, why: str) -> None:
        """What cannot be trained, or was not to its end."""
        click.echo(f"! {name}: {why}", err=True)

    def __enter__(self) -> None:
        """Nothing is told before the first run."""

    def __exit__(self, *error: object) -> None:
        if self.live is not None:
            self.live.__exit__(None, None, None)
