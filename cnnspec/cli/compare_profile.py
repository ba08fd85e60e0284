"""`cnnspec compare --profile`: the networks are run in turns, and what that shows joins the other measures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cnnspec.cli.progress import Progress
from cnnspec.cli.run_options import refuse_untrained, take_options
from cnnspec.net import Net

if TYPE_CHECKING:
    from cnnspec.analysis.contest import Contest


def run(nets: Sequence[Net], given: dict[str, Any]) -> Contest:
    """Measure the networks against each other on the device; raises `SpecError` where that cannot be used."""
    refuse_untrained(nets, given["mode"])
    from cnnspec.runtime import require_torch

    require_torch()
    from cnnspec.runtime.contest import contest
    from cnnspec.runtime.devices import select
    from cnnspec.runtime.profile import Request

    request = Request(select(given["device"] or "cpu"), given["threads"], given["energy"])
    with Progress(f"{len(nets)} networks") as progress:
        return contest(nets, take_options(given, given["batch"]), request, progress.tell)


def exit_code(found: Contest) -> int:
    """130 where it was broken off, 1 where no network ran."""
    if found.interrupted:
        return 130
    return 1 if all(run.failure for run in found.runs) else 0
