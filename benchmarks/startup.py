"""Cold starts: how long a command takes in a new process, against importing its libraries and against torchinfo.

Run it as `python benchmarks/startup.py [ROUNDS]`. The comparison with torchinfo runs where that and torch are there. It
describes torchvision's modules, or where torchvision does not work, those of `twins.py`, which start a second earlier.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

from measure import ROOT, Result, in_turns, milliseconds, ratio, show

#: What the `cnnspec` console script runs.
CNNSPEC = (sys.executable, "-c", "from cnnspec.cli import main; main()")
CLICK, RICH = "import click", "import click, rich.table"
SUMMARY, DEEP, CHECK = "summary specs/vgg16.cnn", "summary resnet152", "check specs/vgg16.cnn"
#: A command, the import it is held against, and how many times that it may take.
BOUNDS = ((SUMMARY, RICH, 3.0), (DEEP, RICH, 3.0), (CHECK, CLICK, 2.5))
#: How many times faster than torchinfo a summary shall be.
FASTER = 25.0
TORCHINFO = """
import sys
import torchinfo
sys.path.insert(0, "benchmarks")
from {home} import {net}
torchinfo.summary({net}(), input_size=(1, 3, 224, 224))
"""
HOMES = ("torchvision.models", "twins")
TWINS = (("vgg16", SUMMARY), ("resnet152", DEEP))


def startup(rounds: int) -> list[Result]:
    """Commands beside the imports that they cannot do without."""
    commands = {code: (sys.executable, "-c", code) for code in (CLICK, RICH)}
    commands |= {name: (*CNNSPEC, *name.split()) for name in (SUMMARY, DEEP, CHECK)}
    times = in_turns(commands, rounds)
    results = [Result(f"`{name}`", milliseconds(times[name])) for name in commands]
    for name, base, most in BOUNDS:
        found = ratio(times[name], times[base])
        results.append(Result(f"`{name}` / `{base}`", f"{found:.2f}×", f"at most {most}×", found <= most))
    return results


def torchinfo(rounds: int) -> list[Result]:
    """The same networks through torchinfo; nothing where that is not installed."""
    if not all(map(find_spec, ("torch", "torchinfo"))):
        return []
    home = next(home for home in HOMES if works(home))
    commands = {f"torchinfo {net}": (sys.executable, "-c", TORCHINFO.format(home=home, net=net)) for net, _ in TWINS}
    commands |= {name: (*CNNSPEC, *name.split()) for _, name in TWINS}
    times = in_turns(commands, rounds)
    results = [Result(f"`{name}` of {home}", milliseconds(times[name])) for name in commands if name[:5] == "torch"]
    for net, name in TWINS:
        found = ratio(times[f"torchinfo {net}"], times[name])
        what = f"`torchinfo {net}` / `{name}`"
        results.append(Result(what, f"{found:.1f}×", f"at least {FASTER:g}×", found >= FASTER))
    return results


def works(module: str) -> bool:
    """Whether a module can be imported."""
    code = f"import sys; sys.path.insert(0, 'benchmarks'); import {module}"
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 21
    results = [*startup(rounds), *torchinfo(rounds // 4 + 1)]
    show(f"Cold starts: medians of {rounds} rounds, with the middle half", results)
