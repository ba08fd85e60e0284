"""What `sampling.sample` says beside a loop written by hand, and what `paired.interleave` tells apart.

Run it as `python benchmarks/latency.py [--device cpu|cuda] [NET…]`; it needs torch.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Sequence
from time import perf_counter

import torch
from measure import ROOT, Result, show

sys.path.insert(0, str(ROOT))

import cnnspec
from cnnspec.analysis.comparison import Paired
from cnnspec.runtime.devices import select
from cnnspec.runtime.paired import interleave
from cnnspec.runtime.sampling import Run, sample, timed

NETWORKS = ("squeezenet1_1", "mobilenet_v3_small", "resnet18")
#: Rounds of loop, sample, sample, loop.
ROUNDS = 5
#: Comparisons of a network with itself, and with itself delayed; and the most and the least that may be told apart.
SAME, MOST = 40, 5
DELAYED, LEAST = 20, 19
DELAY = 0.05
#: How far the medians may lie apart, unless the machine itself is less even.
ALLOWED = {"cpu": 0.03, "cuda": 0.01}


class Forward:
    """One network's forward pass on a device, for one random image."""

    def __init__(self, name: str, device: torch.device) -> None:
        net = cnnspec.load(name)
        torch.manual_seed(0)
        self.module = net.to_torch(device=device).eval()
        self.inputs = [torch.randn(1, *shape, device=device) for shape in net.summary().inputs.values()]
        self.device = device

    def __call__(self) -> object:
        return self.module(*self.inputs)

    def synchronize(self) -> None:
        """Wait for the device, where it is not the host itself."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def run(self, delay: float = 0.0) -> Run:
        """A synchronised run by the host's clock; with a delay, the host then waits for so many seconds."""

        def wait() -> None:
            self.synchronize()
            until = perf_counter() + delay
            while delay and perf_counter() < until:
                pass

        return timed(self, wait)


def by_hand(forward: Forward, repetitions: int) -> float:
    """The median as one would take it: a few runs to warm up, then a loop around two readings of the clock."""
    for _ in range(10):
        forward()
    forward.synchronize()
    taken = []
    for _ in range(repetitions):
        begin = perf_counter()
        forward()
        forward.synchronize()
        taken.append(perf_counter() - begin)
    return statistics.median(taken)


def beside_a_loop(name: str, device: torch.device) -> Result:
    """The ratio of the medians, loops and samples in turns; and of the loops to each other, which is the noise."""
    forward = Forward(name, device)
    repetitions = max(30, round(1 / by_hand(forward, 10)))  # about a second, as `sample` takes
    ours, loops, noise = [], [], []
    for _ in range(ROUNDS):
        before = by_hand(forward, repetitions)
        found = [sample(forward.run()).median for _ in range(2)]
        after = by_hand(forward, repetitions)
        ours.append(sum(found) / (before + after))
        noise += [max(before, after) / min(before, after) - 1]
        loops += [before, after]
    apart, even = abs(statistics.median(ours) - 1), statistics.median(noise)
    allowed = max(ALLOWED[device.type], 2 * even)
    return Result(f"{name}: sample ÷ loop by hand ({1000 * statistics.median(loops):.2f} ms)",
                  f"{statistics.median(ours):.4f} ({min(ours):.4f} to {max(ours):.4f}); loop ÷ loop ±{even:.1%}",
                  f"within {allowed:.1%} of 1", apart <= allowed)


def told_apart(first: Callable[[], Run], second: Callable[[], Run], times: int) -> list[Paired]:
    """So many comparisons."""
    return [interleave(first(), second()) for _ in range(times)]


def comparisons(name: str, device: torch.device) -> list[Result]:
    """How often a network is called different from itself, and how often a delay of 5 % is found."""
    forward = Forward(name, device)
    same = told_apart(forward.run, forward.run, SAME)
    delay = DELAY * sample(forward.run()).median
    delayed = told_apart(forward.run, lambda: forward.run(delay), DELAYED)
    wrong = sum(one.comparison.different for one in same)
    found = sum(one.comparison.low > 1 for one in delayed)
    return [
        Result(f"{name}: {SAME} comparisons with itself called different", f"{wrong}; {described(same)}",
               f"at most {MOST}", wrong <= MOST),
        Result(f"{name}: {DELAYED} comparisons with itself delayed by {DELAY:.0%} called slower",
               f"{found}; {described(delayed)}", f"at least {LEAST}", found >= LEAST),
    ]


def described(found: Sequence[Paired]) -> str:
    """The ratios, how closely they are known, from how many pairs and how long."""
    ratios = [one.comparison.ratio for one in found]
    spread = statistics.median((one.comparison.high - one.comparison.low) / 2 for one in found)
    pairs = statistics.median(one.comparison.pairs for one in found)
    seconds = statistics.median(one.first.seconds for one in found)
    return f"{min(ratios):.4f} to {max(ratios):.4f}, each ±{spread:.2%}, {pairs:.0f} pairs in {seconds:.1f} s"


def main() -> None:
    """All networks beside a loop, and the first one beside itself."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nets", nargs="*", default=NETWORKS)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    device = select(options.device)
    torch.set_num_threads(1)
    with torch.inference_mode():
        results = [beside_a_loop(name, device) for name in options.nets] + comparisons(options.nets[0], device)
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else "the CPU, one thread"
    show(f"Latency of one image on {where}: medians of {ROUNDS} rounds, and comparisons in turns", results)


if __name__ == "__main__":
    main()
