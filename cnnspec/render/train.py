"""A training run as text: what was found before it, a line for each epoch, how it ended; and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from cnnspec.analysis.learning import Check, Epoch, Learning
from cnnspec.render import units
from cnnspec.render.layout import Line, Styled

SCHEMA = "cnnspec.train/1"
#: Heads of the table of epochs, and the widths of its columns.
_HEADS = ("epoch", "loss", "accuracy", "val loss", "accuracy", "images/s")
_WIDTHS = (5, 8, 8, 8, 8, 9)


def lines(found: Learning) -> Iterator[Line]:
    """The whole run: what was trained on what, the epochs, and the end."""
    regime = found.regime
    yield [Styled(found.net, "bold"), Styled(f"  {found.data}  {found.device}  {units.dtype(regime.dtype)}  "
                                             f"{regime.optimizer} {regime.rate:.3g}  batch {regime.batch}")]
    for sentence in found.says:
        yield [Styled(f"  {sentence}", "dim")]
    yield []
    yield [Styled("  " + _row(_HEADS), "dim")]
    best = found.best
    for epoch in found.history:
        yield [Styled("  " + epoch_text(epoch)), Styled(" ◂ best" if epoch is best else "", "good")]
    yield []
    yield from _end(found)


def _end(found: Learning) -> Iterator[Line]:
    best = found.best
    if best is not None:
        yield [Styled("  validation accuracy "), Styled(units.percent(best.val_accuracy), "bold"),
               Styled(f" at epoch {best.epoch}" if best is not found.last else "")]
    yield [Styled(f"  {found.steps:,} steps, {units.duration(found.seconds)}, "
                  f"{units.rate(found.images_per_second)} images/s")]
    failed = [check for check in found.checks if not check.passed]
    for check in failed:
        yield [Styled(f"  ! {check.says}", "bad")]
    if found.ended:
        yield [Styled(f"  ended before its time: {found.ended}", "bad")]
    if found.checkpoint:
        yield [Styled(f"  kept in {found.checkpoint}", "dim")]


def epoch_text(epoch: Epoch) -> str:
    """A line of the table of epochs."""
    return _row((str(epoch.epoch), f"{epoch.train_loss:.4f}", units.percent(epoch.train_accuracy),
                 f"{epoch.val_loss:.4f}", units.percent(epoch.val_accuracy), units.rate(epoch.images_per_second)))


def _row(texts: tuple[str, ...]) -> str:
    return "  ".join(text.rjust(width) for text, width in zip(texts, _WIDTHS, strict=True))


def check_lines(check: Check) -> Iterator[Line]:
    """What one question has found, and what to do about it."""
    yield [Styled("✓ " if check.passed else "! ", "good" if check.passed else "bad"), Styled(check.says)]
    if check.advice:
        yield [Styled(f"  {check.advice}", "dim")]


def tick(epoch: int, step: int, steps: int | None, loss: float, progress: float, seconds: float, batch: int) -> str:
    """The line that moves: where the run is, and how long it still takes."""
    of = f" of {steps:,}" if steps else ""
    left = f"  {units.duration(seconds * (1 - progress) / progress)} left" if progress else ""
    speed = units.rate(step * batch / seconds) if seconds else "–"
    return f"epoch {epoch + 1}  step {step:,}{of}  loss {loss:.4f}  {speed} images/s{left}"


def as_json(found: Learning) -> str:
    """One object, of the schema `cnnspec.train/1`."""
    last, best = found.last, found.best
    data: dict[str, Any] = {
        "schema": SCHEMA, "net": found.net, "data": found.data, "says": list(found.says), "device": found.device,
        "epochs": found.epochs, "steps": found.steps, "seconds": found.seconds,
        "images_per_second": found.images_per_second,
        "train_loss": last.train_loss if last else None, "val_loss": last.val_loss if last else None,
        "val_accuracy": last.val_accuracy if last else None, "best_val_accuracy": best.val_accuracy if best else None,
        "history": [plain(epoch) for epoch in found.history], "checks": [plain(check) for check in found.checks],
        "regime": plain(found.regime), "ended": found.ended or None, "checkpoint": found.checkpoint or None,
        "environment": dict(found.environment),
    }
    return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=2)


def plain(record: Any) -> dict[str, Any]:
    """A record's fields; numbers that JSON does not know are null."""
    return {name: number(getattr(record, name)) for name in record._fields}


def number(value: Any) -> Any:
    """A value as JSON has it: null for a number that it does not know."""
    if isinstance(value, float) and value - value != 0:  # neither infinite nor undefined
        return None
    return {key: number(one) for key, one in value.items()} if isinstance(value, dict) else value
