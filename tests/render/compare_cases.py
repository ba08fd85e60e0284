"""What `compare_pages/` holds: what `cnnspec compare` prints for a line, on a terminal of some width; None is none.

`python -m tests.render.compare_cases` writes the files again, for a reader to look at the difference.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from click.testing import CliRunner

from cnnspec.cli import group
from tests.oracle.test_torchvision import NAMES

PAGES = Path(__file__).parent / "compare_pages"
ROOT = Path(__file__).parents[2]

FAMILY = "'resnet(basic, (n, n, n, n))' --over n=1..4"

#: File: width, the line behind `cnnspec compare`.
CASES: dict[str, tuple[int | None, str]] = {
    **{f"two_{width}.txt": (width, "alexnet resnet18") for width in (30, 60, 80, 140)},
    "two_piped.txt": (None, "alexnet resnet18"),
    "three_80.txt": (80, "alexnet resnet18 efficientnet_b0"),
    "five_120.txt": (120, "alexnet resnet18 vgg16 mobilenet_v2 unet --no-stages"),
    "inputs_100.txt": (100, "lenet inception_v3 r3d_18"),
    "untrained_80.txt": (80, "lenet -e 'INPUT(1x28x28) -> POOL(2) -> FLATTEN'"),
    "pareto_100.txt": (100, "alexnet resnet18 mobilenet_v2 --pareto params,macs --sort -macs"),
    "device_80.txt": (80, "alexnet resnet18 --device h100 --columns params,predicted,rf --no-stages"),
    "family_100.txt": (100, FAMILY),
    "family_80.txt": (80, f"{FAMILY} alexnet"),
    "all_80.txt": (80, f"{' '.join(NAMES)} --pareto params,macs"),
    "all_120.txt": (120, f"{' '.join(NAMES)} --sort -rf"),
    "all_piped.txt": (None, " ".join(NAMES)),
    "two.md": (None, "alexnet resnet18 --format markdown"),
    "seven.md": (None, "alexnet vgg11 vgg13 vgg16 vgg19 nin lenet --format markdown --pareto params,macs"),
    "two.csv": (None, "alexnet resnet18 --format csv --pareto params,inference_peak --device h100"),
    "chosen.csv": (None, f"{FAMILY} --format csv --columns rf,macs,input"),
    "two.json": (None, "lenet tcn --format json --pareto params,macs"),
}


def shown(case: str) -> str:
    """What is printed."""
    width, line = CASES[case]
    done = CliRunner(env={"COLUMNS": str(width or "")}).invoke(group, ["compare", *shlex.split(line)])
    assert done.exit_code == 0, done.output
    return done.stdout


if __name__ == "__main__":
    os.chdir(ROOT)
    PAGES.mkdir(exist_ok=True)
    for stale in PAGES.iterdir():
        stale.unlink()
    for case in CASES:
        (PAGES / case).write_text(shown(case), encoding="utf-8")
