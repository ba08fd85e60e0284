"""Speed and memory of the analysis in one process: a deep network, a long one, and many variants of one.

Run it as `python benchmarks/analysis.py`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

from measure import ROOT, Result, repeated, show

sys.path.insert(0, str(ROOT))

import cnnspec

#: ResNet-152 as a file of its own; and its first analysis in a process, all modules imported.
RESNET = (ROOT / "specs/resnet.cnn").read_text(encoding="utf-8") + "\nnet last = resnet152\n"
FIRST = """
import sys, time
import cnnspec.net, fractions
text = sys.stdin.read()
begin = time.perf_counter()
cnnspec.net.parse(text).summary()
print(time.perf_counter() - begin)
"""
#: Layers of the long network, and what is run in a process of its own to weigh it.
LENGTHS = (25_000, 50_000, 100_000)
LONG = """
import resource, time
import cnnspec
begin = time.perf_counter()
layers = cnnspec.parse("INPUT(3x32x32) -> [CONV(8) -> RELU]*{pairs} -> GAP").summary().layers
seconds = time.perf_counter() - begin
assert len(layers) == 2 + 2 * {pairs}
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""

ZOO = """
import time
import cnnspec
from cnnspec.files import known_nets
begin = time.perf_counter()
for name in (names := known_nets()):
    cnnspec.load(name).summary()
print(time.perf_counter() - begin, len(names))
"""

#: VGG in which widths, depth and classes can be varied: 20 × 5 × 10 variants.
VGG = """
net vgg(w = 64, n = 3, classes = 1000) =
    INPUT(3x224x224)
    -> [[CONV(c, 3) -> RELU]*m -> POOL(2)] for c, m in ((w, 2), (2*w, 2), (4*w, n), (8*w, n), (8*w, n))
    -> [FC(4096) -> RELU -> DROPOUT(0.5)]*2
    -> FC(classes)
"""
VARIANTS = [{"w": w, "n": n, "classes": c} for w in range(32, 52) for n in range(2, 7) for c in range(10, 110, 10)]


def deep() -> list[Result]:
    """ResNet-152 from its text to its figures: the first network of a process, and once equal layers are known."""
    first = statistics.median(float(_run(FIRST, RESNET)) for _ in range(15))
    again = repeated(lambda: cnnspec.parse(RESNET).summary(), 25)
    what = "ResNet-152, text to figures"
    return [Result(f"{what}, the first network of a process", f"{1000 * first:.1f} ms"),
            Result(f"{what}, again", f"{1000 * again:.1f} ms", "under 15 ms", again < 0.015)]


def long() -> list[Result]:
    """Layers by the ten thousand: time, and the most memory that the process held."""
    times, peaks = {}, {}
    for length in LENGTHS:
        code = LONG.format(pairs=length // 2 - 1)
        figures = [tuple(map(float, _run(code).split())) for _ in range(3)]
        times[length] = statistics.median(seconds for seconds, _ in figures)
        peaks[length] = statistics.median(kilobytes / 1024 for _, kilobytes in figures)
    quarter, half, whole = LENGTHS
    growth = (peaks[whole] - peaks[half]) / (peaks[half] - peaks[quarter])
    return [
        *(Result(f"{length:,} layers", f"{times[length]:.2f} s, {peaks[length]:,.0f} MiB",
                 "under 3 s" if length == whole else "", times[length] < 3 if length == whole else None)
          for length in LENGTHS),
        Result("memory of the second 50,000 / of the 25,000 before them", f"{growth:.2f}×", "linear: 2×, at most 2.2×",
               growth <= 2.2),
    ]


def many() -> list[Result]:
    """Different variants of VGG, each expanded and analysed."""
    net = cnnspec.parse(VGG)

    def sweep() -> None:
        for variant in VARIANTS:
            net.vary(**variant).summary()

    sweep()
    rate = len(VARIANTS) / repeated(sweep, 5)
    what = f"{len(VARIANTS):,} variants of VGG-16"
    return [Result(what, f"{rate:,.0f} a second", "at least 1,000 a second", rate >= 1000)]


def zoo() -> list[Result]:
    """Every net of the zoo, from its file to its figures, in a process of its own."""
    figures = [_run(ZOO).split() for _ in range(5)]
    seconds = statistics.median(float(seconds) for seconds, _ in figures)
    return [Result(f"the zoo, {figures[0][1]} networks", f"{seconds:.2f} s", "under 2 s", seconds < 2)]


def _run(code: str, text: str = "") -> str:
    """What some code prints in a process of its own."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, input=text).stdout


if __name__ == "__main__":
    show("Analysis in one process: medians", [*deep(), *long(), *many(), *zoo()])
