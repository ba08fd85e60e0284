"""What `expected/` holds: networks of this folder, each as a terminal of some width shows it; None is no terminal.

`python -m tests.render.cases` writes the files again, for a reader to look at the difference.
"""

from __future__ import annotations

from pathlib import Path

import cnnspec
from cnnspec.analysis.outline import ALL, outline
from cnnspec.render.console import page, plain

HERE = Path(__file__).parent

#: File: network, width, depth.
CASES: dict[str, tuple[str, int | None, int | None]] = {
    **{f"{name}_80": (name, 80, None)
       for name in ("plain", "residual", "gates", "skips", "heads", "audio", "formula")},
    **{f"plain_{width}": ("plain", width, None) for width in (30, 45, 60, 140)},
    "plain_piped": ("plain", None, None),
    **{f"gates_{width}": ("gates", width, None) for width in (60, 140)},
    "residual_80_depth_1": ("residual", 80, 1),
    "residual_80_depth_2": ("residual", 80, 2),
    "heads_80_depth_0": ("heads", 80, 0),
    "heads_80_all": ("heads", 80, ALL),
}


def net(name: str) -> cnnspec.Net:
    """A network of this folder."""
    return cnnspec.parse((HERE / "nets" / f"{name}.cnn").read_text(encoding="utf-8"), name=f"{name}.cnn")


def shown(case: str) -> str:
    """What the terminal shows."""
    name, width, depth = CASES[case]
    summary = net(name).summary()
    return "".join(plain(page(summary, outline(summary, depth), width)))


if __name__ == "__main__":
    for stale in (HERE / "expected").glob("*.txt"):
        stale.unlink()
    for case in CASES:
        (HERE / "expected" / f"{case}.txt").write_text(shown(case), encoding="utf-8")
