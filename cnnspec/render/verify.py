"""What `verify` found: a table of figures for one network, a line for each of several, or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from cnnspec.analysis.verification import Check, Verification
from cnnspec.render import units
from cnnspec.render.layout import Line, Styled

SCHEMA = "cnnspec.verify/1"

MARKS = {True: "✓", False: "✗", None: "–"}
_STYLES = {True: "good", False: "bad", None: "dim"}

#: Figures as the head of a column, where each network has a line.
_SHORT = {"output shapes": "shapes", "parameters": "params", "fvcore FLOPs": "FLOPs", "receptive field": "field",
          "inference peak": "peak"}
#: Layers that differ, of which a check shows no more.
_MOST_DIFFERENCES = 10


def as_json(found: Sequence[Verification]) -> str:
    """The document `cnnspec.verify/1`, which `docs/schema/verify-1.json` describes."""
    return json.dumps({"schema": SCHEMA, "ok": all(one.ok for one in found), "nets": [_net(one) for one in found]},
                      indent=2, ensure_ascii=False)


def _net(found: Verification) -> dict[str, Any]:
    return {"net": found.net, "source": found.source, "ok": found.ok, "checks": [_check(one) for one in found.checks]}


def _check(check: Check) -> dict[str, Any]:
    return {
        "figure": check.figure, "ok": check.ok, "predicted": check.predicted, "measured": check.measured,
        "skipped": check.skipped or None, "rows": check.rows,
        "different": [{"path": one.path, "predicted": one.predicted, "measured": one.measured}
                      for one in check.different],
        "items": [{"kind": item.kind, "ours": item.ours, "theirs": item.theirs} for item in check.items],
    }


def one_net(found: Verification) -> Iterator[Line]:
    """All figures of a network, predicted and measured; what differs; what lies between two ways of counting."""
    yield [Styled(found.net, "bold"), Styled("  "), Styled(found.source, "dim")]
    yield []
    texts = [("", "predicted", "PyTorch", "layers"), *map(_texts, found.checks)]
    widths = [max(len(row[column]) for row in texts) for column in range(4)]
    for row, check in zip(texts, (None, *found.checks), strict=True):
        cells = [row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True))]
        mark = Styled(f" {MARKS[check.ok]}", _STYLES[check.ok]) if check else Styled("  ")
        yield [mark, Styled("  "), Styled("  ".join(cells), "" if check else "dim")]
    yield from details(found)
    for check in found.checks:
        if check.items:
            yield from _between(check)


def details(found: Verification) -> Iterator[Line]:
    """What was not measured, and why; the layers that differ."""
    for check in found.checks:
        if check.skipped:
            yield [Styled(f"  {check.figure}: {check.skipped}", "dim")]
        for one in check.different[:_MOST_DIFFERENCES]:
            yield [Styled("  ✗ ", "bad"), Styled(f"{check.figure} of {one.path}: "
                                                 f"predicted {_text(one.predicted)}, PyTorch {_text(one.measured)}")]
        if len(check.different) > _MOST_DIFFERENCES:
            yield [Styled(f"    and {len(check.different) - _MOST_DIFFERENCES} more layers", "dim")]


def _between(check: Check) -> Iterator[Line]:
    """From this project's total to the tool's, kind by kind."""
    items = [item for item in check.items if item.ours != item.theirs]
    ours, theirs = (sum(getattr(item, side) for item in check.items) for side in ("ours", "theirs"))
    rows = [("", "cnnspec", "fvcore", "difference"),
            *((item.kind, *map(units.count, (item.ours, item.theirs, item.ours - item.theirs))) for item in items)]
    same = [item for item in check.items if item.ours == item.theirs]
    if same:
        counted = sum(item.ours for item in same)
        rows.append(("the others", units.count(counted), units.count(counted), "0"))
    rows.append(("total", *map(units.count, (ours, theirs, ours - theirs))))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    yield []
    yield [Styled("  FLOPs, and what fvcore counts: multiply-accumulates, and only some layers", "dim")]
    for index, row in enumerate(rows):
        cells = [row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True))]
        yield [Styled("    " + "  ".join(cells), "dim" if index == 0 else "")]


def name_width(names: Sequence[str]) -> int:
    """The width of the column of names."""
    return max([len("network"), *map(len, names)])


def heading(found: Verification, width: int) -> Line:
    """The heads of the columns."""
    return [Styled("  ".join(["network".ljust(width), *(_SHORT.get(c.figure, c.figure) for c in found.checks)]), "dim")]


def marks(found: Verification, width: int) -> Line:
    """A network's line."""
    line = [Styled(found.net.ljust(width))]
    for check in found.checks:
        title = _SHORT.get(check.figure, check.figure)
        line.append(Styled("  " + MARKS[check.ok].ljust(len(title)), _STYLES[check.ok]))
    return line


def failures(found: Verification) -> Iterator[Line]:
    """Both values of each figure that failed, and the layers that differ."""
    for check in found.checks:
        if check.ok is False:
            predicted, measured = _text(check.predicted), _text(check.measured)
            yield [Styled("  ✗ ", "bad"), Styled(f"{check.figure}: predicted {predicted}, PyTorch {measured}")]
    if not found.ok:
        yield from details(found)


def verdict(found: Sequence[Verification]) -> Iterator[Line]:
    """How many networks agree, and what was not measured."""
    agreeing = sum(one.ok for one in found)
    yield []
    yield [Styled(f"{agreeing} of {len(found)} networks agree with PyTorch", "bold")]
    for reason in dict.fromkeys(f"{c.figure}: {c.skipped}" for one in found for c in one.checks if c.skipped):
        yield [Styled(reason, "dim")]


def _texts(check: Check) -> tuple[str, str, str, str]:
    measured = "not measured" if check.skipped else _text(check.measured)
    return check.figure, _text(check.predicted), measured, str(check.rows) if check.rows else ""


def _text(value: object) -> str:
    """A figure of any kind as it is read."""
    if isinstance(value, int):
        return units.count(value)
    if isinstance(value, tuple) and all(isinstance(extent, int) for extent in value):
        return units.shape(value) if value else "scalar"
    return "none" if value is None else str(value)
