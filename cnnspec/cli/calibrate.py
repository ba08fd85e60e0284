"""`cnnspec calibrate`: measures a device, so that latencies on it can be predicted."""

from __future__ import annotations

import os
import sys
from functools import partial

import click

from cnnspec.analysis.devices import DeviceProfile
from cnnspec.analysis.memory import DTYPES
from cnnspec.cli.options import Real, fail
from cnnspec.cli.report_option import require_writable
from cnnspec.diagnostics import SpecError


@click.command()
@click.option("--device", default="cpu", show_default=True, metavar="NAME", help="cpu, cuda, cuda:1.")
@click.option("--dtype", type=click.Choice(list(DTYPES)), default="float32", show_default=True, help="Element type.")
@click.option("--threads", type=click.IntRange(1), help="Threads of one operator; PyTorch's own choice by default.")
@click.option("--seconds", type=Real(0, 600), default=60.0, show_default=True,
              help="How long to measure, after some seconds of preparation.")
@click.option("-o", "--export", metavar="FILE", help="Also write the profile into a file, for `predict --device FILE`.")
def command(device: str, dtype: str, threads: int | None, seconds: float, export: str | None) -> None:
    """Measure a device, so that `cnnspec predict` can tell how long networks take on it.

    Times copies, a matrix product and the layers that CNNs consist of, one by one, and two networks as a whole. The
    profile goes into the cache folder (or into that of CNNSPEC_PROFILES), for this device, driver, version of PyTorch,
    dtype and number of threads. One that was disturbed by other work takes the place of none that was disturbed less.
    """
    try:
        from cnnspec.runtime import profile_files, require_torch

        require_torch()
        from cnnspec.runtime.calibrate import calibrate, plan
        from cnnspec.runtime.devices import select

        wanted = plan(select(device), dtype, threads, seconds)
        for path in (os.path.join(profile_files.folder(), "profile.json"), export):
            if path is not None:
                require_writable(path)
        profile = calibrate(wanted, progress)
        better = profile_files.better(profile)
        places = [] if better else [profile_files.store(profile)]
        if export is not None:
            profile_files.write(profile, export)
            places.append(export)
    except SpecError as error:
        fail(error)
    show(profile, places, better)


def progress(share: float) -> None:
    """A line on stderr: on a terminal it is written over and over, elsewhere there is one at the end."""
    if sys.stderr.isatty():
        click.echo(f"\rmeasuring {share:4.0%}" + ("\r\x1b[K" if share >= 1 else ""), err=True, nl=False)
    elif share >= 1:
        click.echo("measured", err=True)


def show(profile: DeviceProfile, places: list[str], kept: str) -> None:
    """Print what was measured, and where it is; or which file is kept instead."""
    from cnnspec.render.calibrate import lines
    from cnnspec.render.console import print_page

    print_page(partial(lines, profile, places, kept))
