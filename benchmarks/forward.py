"""The module that cnnspec makes beside torchvision's own, forward, in turns: what reading a spec costs at run time.

Run it as `python benchmarks/forward.py [ROUNDS [IMAGES]]`; it needs torch and torchvision.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from time import perf_counter

import torch
from measure import ROOT, Result, milliseconds, show

sys.path.insert(0, str(ROOT))

import cnnspec
from tests.conftest import import_torchvision

NETWORKS = ("resnet50", "mobilenet_v2")
#: The interval of the ratio must reach down to this.
MOST = 1.02


def times(modules: Sequence[torch.nn.Module], value: torch.Tensor, rounds: int) -> list[list[float]]:
    """Seconds of each module's forward pass, in turns that change their order (A B B A …)."""
    taken: list[list[float]] = [[] for _ in modules]
    with torch.inference_mode():
        for turn in range(-3, rounds):  # the first few warm up
            order = range(len(modules)) if turn % 2 else reversed(range(len(modules)))
            for index in order:
                begin = perf_counter()
                modules[index](value)
                if turn >= 0:
                    taken[index].append(perf_counter() - begin)
    return taken


def interval(ratios: Sequence[float]) -> tuple[float, float, float]:
    """The median, with its 95 % interval by order statistics (Hahn and Meeker, Statistical Intervals, 1991)."""
    ordered = sorted(ratios)
    margin = round(0.98 * len(ordered) ** 0.5)
    middle = len(ordered) // 2
    return ordered[max(middle - margin, 0)], statistics.median(ordered), ordered[min(middle + margin, len(ordered) - 1)]


def compared(name: str, rounds: int, images: int) -> list[Result]:
    """Both modules' times, and their ratio, round by round."""
    theirs = getattr(import_torchvision().models, name)(weights=None).eval()
    ours = cnnspec.load(name).to_torch(weights=theirs.state_dict()).eval()
    value = torch.randn(images, 3, 224, 224)
    own, other = times([ours, theirs], value, rounds)
    low, middle, high = interval([a / b for a, b in zip(own, other, strict=True)])
    return [Result(f"{name}, cnnspec", milliseconds(own)), Result(f"{name}, torchvision", milliseconds(other)),
            Result(f"{name}, ratio", f"{middle:.3f} ({low:.3f} to {high:.3f})", f"reaches down to {MOST}", low <= MOST)]


def main() -> None:
    """Both networks with as many rounds and images as the command line says."""
    rounds, images = map(int, (*sys.argv[1:], *("60", "1")[len(sys.argv) - 1:]))
    torch.set_num_threads(1)
    torch.manual_seed(0)
    results = [result for name in NETWORKS for result in compared(name, rounds, images)]
    show(f"Forward passes of {images} image(s), one thread: medians of {rounds} rounds, with the middle half", results)


if __name__ == "__main__":
    main()
