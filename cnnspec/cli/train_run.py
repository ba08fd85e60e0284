"""One run of `cnnspec train`, from what the command line says to its end; loaded with PyTorch alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch

from cnnspec.analysis.learning import Check, Regime
from cnnspec.cli.options import load_target
from cnnspec.cli.reports import slug
from cnnspec.cli.train import FOLDER, conclude
from cnnspec.cli.train_progress import Live
from cnnspec.limits import Limits
from cnnspec.net import Net
from cnnspec.record import Record
from cnnspec.runtime.data.augment import augmentation
from cnnspec.runtime.data.feed import ImageFeed
from cnnspec.runtime.data.sources import open_data
from cnnspec.runtime.devices import select
from cnnspec.runtime.train import checkpoint
from cnnspec.runtime.train.begin import begin
from cnnspec.runtime.train.checkpoint import Checkpoint
from cnnspec.runtime.train.checks import checks
from cnnspec.runtime.train.find_rate import find_rate
from cnnspec.runtime.train.fit import fit
from cnnspec.runtime.train.batch_size import largest_batch
from cnnspec.runtime.train.run import CHECKPOINT, Setup, same_network, train
from cnnspec.runtime.train.stop import stopping
from cnnspec.runtime.train.teams import team_of
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
    folder: str = ""


def stored(given: dict[str, Any], limits: Limits) -> Request:
    """The request of a run that was kept, with other bounds where such are given; raises `SpecError`."""
    folder = given["resume"]
    path = os.path.join(folder, CHECKPOINT) if os.path.isdir(folder) else folder
    found = checkpoint.read(path)
    named = found.spec["named"]
    net = load_target(named["target"], named["expression"], tuple(named["settings"]), tuple(named["inputs"]), limits)
    kept = found.state["regime"]
    bounds = {name: given[name] for name in ("epochs", "steps", "seconds") if given[name] is not None}
    changed = {**kept, **({"epochs": None, "steps": None, "seconds": None, **bounds} if bounds else {})}
    regime = Regime(**{**changed, "augment": tuple(kept["augment"])})
    options = {**given, **{name: found.spec[name] for name in ("data", "root", "init", "freeze")}}
    return Request(net, regime, named, options, found, os.path.dirname(path) or ".")


def run(request: Request) -> int:
    """Train, or check, and print the end; returns the exit code."""
    given = request.given
    with threads(given["threads"]), stopping() as stopped:
        setup = set_up(request)
        lead = setup.team.rank == 0
        live = Live(request.net.name, setup.regime, on=lead)
        if request.resumed is None and not given["no_check"]:
            setup = setup.replace(checks=checked(setup, live))
            if given["only_check"]:
                return 0 if all(check.passed for check in setup.checks) else 1
        if request.resumed is not None:
            same_network(setup.net, request.resumed, given["resume"])
        elif given["find_lr"]:
            found = find_rate(setup, stopped)
            live.say(f"learning rate {found:.2g}, by --find-lr")
            setup = setup.replace(regime=setup.regime.replace(rate=found))
        with live:
            learned = train(setup, stopped, [live], request.resumed)
    return conclude(learned, given["format_"]) if lead else 0


def set_up(request: Request) -> Setup:
    """The network, the data and the device, brought together."""
    given, regime = request.given, request.regime
    device = select(given["device"])
    data = open_data(given["data"], given["root"], regime.seed)
    own = any(setting.partition("=")[0].strip() == "classes" for setting in request.named["settings"])
    net, says = fit(request.net, data, classes_given=own)
    team = team_of(device, regime.dtype)
    if not regime.batch:
        regime = regime.replace(batch=largest_batch(net, regime, device, len(data.train.images)))
        says = (*says, f"batch {regime.batch}, the largest that fits")
    shape = next(iter(net.summary().inputs.values()))
    feed = ImageFeed(data, shape, team, augmentation(regime.augment, shape), regime.seed)
    spec = {"named": dict(request.named), "name": net.name, "source": net.source,
            "text": net.target.module.file.source.text,
            **{name: given[name] for name in ("data", "root", "init", "freeze")}}
    folder = request.folder or given["out"] or _free(os.path.join(FOLDER, slug(f"{net.name}-{data.name}")))
    return Setup(net, data, regime, team, partial(begin, net, device, given["init"], given["freeze"]), feed, spec,
                 folder, (), says)


def _free(folder: str) -> str:
    """A folder of this name in which no run is kept yet: with a number behind it where there is one."""
    free, number = folder, 2
    while os.path.exists(os.path.join(free, CHECKPOINT)):
        free, number = f"{folder}-{number}", number + 1
    return free


def checked(setup: Setup, live: Live) -> tuple[Check, ...]:
    """Ask whether it can learn, and say what is found as it is found."""
    with torch.random.fork_rng(devices=[]):
        found = []
        for check in checks(setup):
            live.check(check)
            found.append(check)
    return tuple(found)


