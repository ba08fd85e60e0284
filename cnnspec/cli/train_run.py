"""One run of `cnnspec train`, from what the command line says to its end; loaded with PyTorch alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from math import ceil
from typing import Any

import click

from cnnspec.analysis.learning import Check, Regime
from cnnspec.cli.options import fail
from cnnspec.cli.reports import slug
from cnnspec.cli.train import FOLDER, code, conclude
from cnnspec.cli.train_progress import Live
from cnnspec.cli.train_spec import described, gives_classes, network, place
from cnnspec.diagnostics import SpecError
from cnnspec.limits import Limits
from cnnspec.net import Net
from cnnspec.record import Record
from cnnspec.render.console import print_page
from cnnspec.render.train import as_json, check_lines, counted
from cnnspec.render.train_layers import layer_lines
from cnnspec.render.units import duration
from cnnspec.runtime.data.augment import augmentation
from cnnspec.runtime.data.feed import ImageFeed
from cnnspec.runtime.data.images import Data
from cnnspec.runtime.data.sources import open_data
from cnnspec.runtime.devices import select
from cnnspec.runtime.train import checkpoint
from cnnspec.runtime.train.batch_size import bounded, largest_batch, told
from cnnspec.runtime.train.batches import per_epoch
from cnnspec.runtime.train.begin import begin
from cnnspec.runtime.train.checkpoint import Checkpoint
from cnnspec.runtime.train.checks import checks
from cnnspec.runtime.train.claim import claim, claim_free, locate, same_place
from cnnspec.runtime.train.find_rate import find_rate
from cnnspec.runtime.train.fit import fit
from cnnspec.runtime.train.keeper import CHECKPOINT
from cnnspec.runtime.train.loss import further
from cnnspec.runtime.train.run import Setup, same_network, train, untrained
from cnnspec.runtime.train.stop import stopping
from cnnspec.runtime.train.team import Alone, Team, Told
from cnnspec.runtime.train.teams import placed, shared, team_of
from cnnspec.runtime.workload import threads


class Request(Record):
    """What the command line asks for."""

    net: Net
    regime: Regime
    #: What names the net: `target`, `expression`, `settings`, `inputs`.
    named: Mapping[str, Any]
    given: Mapping[str, Any]
    #: Where the run stands that is gone on with.
    resumed: Checkpoint | None = None
    #: Its file.
    path: str = ""
    says: tuple[str, ...] = ()


def stored(given: dict[str, Any], limits: Limits) -> Request:
    """The request of a run that was kept, with other bounds where such are given; raises `SpecError`."""
    path = locate(given["resume"])
    found = checkpoint.read(path)
    spec = found.spec
    net, says = network(spec, limits)
    if spec["init"] is not None:
        says = (*says, f"begun with weights from {spec['init']}")
    kept = found.state["regime"]
    bounds = {name: given[name] for name in ("epochs", "steps", "seconds") if given[name] is not None}
    changed = {**kept, **({"epochs": None, "steps": None, "seconds": None, **bounds} if bounds else {})}
    regime = Regime(**{**changed, "augment": tuple(kept["augment"])})
    options = {**given, "data": place(spec, "data"), "root": place(spec, "root"), "init": None,
               "freeze": spec["freeze"]}
    return Request(net, regime, spec["named"], options, found, path, says)


def run(request: Request) -> int:
    """Train, or check, and print the end; returns the exit code."""
    with threads(request.given["threads"]), stopping() as stopped:
        team = team_of(select(placed(request.given["device"])), request.regime.dtype)
        try:
            with team.working():
                return _run(request, team, stopped)
        except SpecError as error:
            if team.rank and isinstance(error, Told):
                return 1
            fail(error)  # here, where the launcher's signal, as soon as another process ends, does no harm


def _run(request: Request, team: Team, stopped: Callable[[], bool]) -> int:
    """What each process of a team does; the first one tells of it."""
    given, lead = request.given, team.rank == 0
    with ExitStack() as claims:
        keeps = lead and not given["only_check"]
        folder = team.agreed(lambda: _claimed(request, claims) if keeps else "")
        setup = set_up(request, team).replace(folder=folder)
        live = Live(setup.regime, on=lead)
        if request.resumed is None and not given["no_check"]:
            asked, tell = setup, printed if given["only_check"] and given["format_"] == "table" else live.check
            setup = setup.replace(checks=team.agreed(lambda: checked(asked, tell) if lead else ()))
            if given["only_check"]:
                return concluded(setup, given["format_"])
        if request.resumed is None and given["find_lr"]:
            found = find_rate(setup, stopped)
            live.say(f"learning rate {found:.3g}, by --find-lr")
            setup = setup.replace(regime=setup.regime.replace(rate=found))
        if keeps and not folder:
            setup = setup.replace(folder=_free(setup, claims))
        return _trained(request, setup, live, stopped)


def _claimed(request: Request, claims: ExitStack) -> str:
    """The folder of the run, which no other process takes meanwhile; none where it is still to be named."""
    folder = os.path.dirname(request.path) or "." if request.resumed is not None else request.given["out"] or ""
    if folder:
        alone = request.resumed is not None and os.path.basename(request.path) != CHECKPOINT
        claims.enter_context(claim(folder, empty=alone or (request.resumed is None and not request.given["overwrite"])))
    if request.resumed is not None:
        same_place(request.path, request.resumed)
    return folder


def _free(setup: Setup, claims: ExitStack) -> str:
    """A folder that bears the names of network and images, and that no run is in."""
    return claims.enter_context(claim_free(os.path.join(FOLDER, slug(f"{setup.net.name}-{setup.data.name}"))))


def _trained(request: Request, setup: Setup, live: Live, stopped: Callable[[], bool]) -> int:
    """Train, and tell of it; returns the exit code."""
    given, before = request.given, request.resumed
    done = () if before is None else reached(setup, before)
    if not done:
        live.begins(setup)
    with live:
        learned = train(setup, stopped, () if done else [live], before)
    if setup.team.rank:
        return code(learned)
    for line in done:
        click.echo(line, err=given["format_"] == "json")
    if done and given["format_"] == "table":
        return code(learned)
    return conclude(learned, given["format_"], setup.says if live.moves else None)


def reached(setup: Setup, found: Checkpoint) -> tuple[str, ...]:
    """That a run has reached its bounds already, and what goes on with it; nothing where it has not."""
    regime, state, bounds = setup.regime, found.state, []
    if state["number"]:
        return ()  # its last epoch has not been judged
    epochs, steps, seconds = state["epoch"], state["step"], state["seconds"]
    if regime.epochs and steps >= regime.epochs * per_epoch(len(setup.data.train.images), regime.batch):
        bounds.append((f"{counted(epochs, 'epoch')}, {regime.epochs:,} asked for", f"--epochs {2 * epochs}"))
    if regime.steps and steps >= regime.steps:
        bounds.append((f"{counted(steps, 'step')}, {regime.steps:,} asked for", f"--steps {2 * steps}"))
    if regime.seconds and seconds >= regime.seconds:
        bounds.append((f"{duration(seconds)}, {duration(regime.seconds)} asked for", f"--time {ceil(2 * seconds)}s"))
    if not bounds:
        return ()
    done, more = bounds[0]
    return (f"{setup.folder} has reached its bounds already: {done}; nothing was trained",
            f"`cnnspec train --resume {setup.folder} {more}` goes on with it")


def set_up(request: Request, team: Team) -> Setup:
    """The network, the data and the processes, brought together."""
    given, regime = request.given, request.regime
    shapes = [*request.net.summary().inputs.values()]
    shape = shapes[0] if len(shapes) == 1 else None  # else it is refused, when the data is known
    data = team.first(lambda: open_data(given["data"], given["root"], regime.seed, shape))
    if request.resumed is not None and given["data"] != request.resumed.spec["data"]:
        data = data.replace(name=request.resumed.spec["data"])  # as it was named, wherever it lies
    if not regime.batch:
        regime = regime.replace(batch=_batch(request, data, team))
    return team.agreed(lambda: _assembled(request, regime, data, team))


def _batch(request: Request, data: Data, team: Team) -> int:
    """The largest batch that fits: as many images in each process as in the one that has least room."""
    net, _ = team.agreed(lambda: _fitted(request, data))
    images = len(data.train.images) // team.size
    own = team.agreed(lambda: largest_batch(net, request.regime, team.device, images))
    return -int(team.most((-float(own),))[0]) * team.size


def _fitted(request: Request, data: Data) -> tuple[Net, tuple[str, ...]]:
    """The network for the data, and what was done."""
    return fit(request.net, data, classes_given=gives_classes(request.named), few=request.given["only_check"])


def _assembled(request: Request, regime: Regime, data: Data, team: Team) -> Setup:
    """As `set_up`, from what all processes have."""
    given = request.given
    net, says = _fitted(request, data)
    if request.resumed is not None:
        same_network(net, request.resumed, given["resume"])
    if not request.regime.batch:
        says = (*says, told(regime.batch, len(data.train.images)))
    if team.size == 1:  # several processes are told what batch they could share
        regime, cut = bounded(regime, len(data.train.images))
        says = (*says, *cut)
    says = (*says, *shared(team, regime.batch, len(data.train.images), len(data.val.images)), *further(net, regime))
    shape = next(iter(net.summary().inputs.values()))
    feed = ImageFeed(data, shape, team, augmentation(regime.augment, shape), regime.seed)
    spec = request.resumed.spec if request.resumed is not None else described(net, request.named, given)
    return Setup(net, data, regime, team, partial(begin, net, team.device, given["init"], given["freeze"]), feed, spec,
                 "", (), (*says, *request.says))


def checked(setup: Setup, tell: Callable[[Check], None]) -> tuple[Check, ...]:
    """Ask whether it can learn, and say what is found as it is found; one process asks alone."""
    from torch.random import fork_rng

    alone = setup.replace(team=Alone(setup.team.device, setup.regime.dtype))
    with fork_rng(devices=[]):
        found = []
        for check in checks(alone):
            tell(check)
            found.append(check)
    return tuple(found)


def printed(check: Check) -> None:
    """What was found, where that is what was asked for."""
    print_page(partial(check_lines, check))
    sys.stdout.flush()  # the next question may take seconds


def concluded(setup: Setup, format_: str) -> int:
    """The end where only questions were asked; returns the exit code."""
    if setup.team.rank == 0 and format_ == "json":
        click.echo(as_json(untrained(setup)))
    elif setup.team.rank == 0:
        print_page(partial(layer_lines, setup.checks, [layer.path for layer in setup.net.summary().layers]))
    return 0 if all(check.passed for check in setup.checks) else 1


