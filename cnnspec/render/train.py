"""A training run as text: what was found before it, a line for each epoch, how it ended; and as JSON."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from cnnspec.analysis.learning import DECAYS, Check, Epoch, Learning, Regime
from cnnspec.render import units
from cnnspec.render.compare_text import listed, wrapped
from cnnspec.render.layout import Line, Styled

SCHEMA = "cnnspec.train/1"
#: Heads of the table of epochs, and the widths of its columns.
_HEADS = ("epoch", "loss", "accuracy", "val loss", "accuracy", "images/s")
_WIDTHS = (5, 8, 8, 8, 8, 9)
#: Cells of a line that is not cut.
_ENDLESS = 1 << 30
#: From here on a loss is told by its power of ten.
_BURST = 1e4
#: How parts of a regime are told that are not as usual.
_UNUSUAL = {
    "momentum": "momentum {:g}", "decay": "weight decay {:g}", "schedule": "{} schedule", "warmup": "warm-up {:.0%}",
    "loss": "{} loss", "smoothing": "labels smoothed by {:g}", "clip": "gradients clipped to {:g}",
    "average": "weights averaged by {:g}", "deterministic": "deterministic",
}


def _row(texts: tuple[str, ...]) -> str:
    return "  " + "  ".join(text.rjust(width) for text, width in zip(texts, _WIDTHS, strict=True))


#: The titles of the table of epochs.
TITLES = _row(_HEADS)


def lines(found: Learning, told: Collection[str] | None = None) -> Iterator[Line]:
    """The whole run: what was trained on what and how, the epochs, and the end.

    `told`: of a run that was followed, the sentences that were told before it; only the end is new then.
    """
    if told is None:
        yield from head(found.net, found.data, found.device, found.regime, found.says)
        for epoch in found.history:
            yield [Styled(epoch_text(epoch)), Styled(" ◂ best" if epoch is found.best else "", "good")]
    yield []
    for sentence in [] if told is None else [sentence for sentence in found.says if sentence not in told]:
        yield [Styled(f"  {sentence}", "dim")]
    yield from _end(found)


def head(net: str, data: str, device: str, regime: Regime, says: Sequence[str]) -> Iterator[Line]:
    """What is trained on what and how, and the titles of the table of epochs."""
    yield [Styled(net, "bold"), Styled(f"  {data}  {device}  {units.dtype(regime.dtype)}")]
    for sentence in (how(regime), *says):
        yield [Styled(f"  {sentence}", "dim")]
    yield []
    yield [Styled(TITLES, "dim")]


def how(regime: Regime, seeds: Sequence[int] = ()) -> str:
    """`adamw 0.001, batch 64, 10 epochs, seed 0`, and what else is not as it would be without a word.

    `seeds` take the place of the regime's own.
    """
    usual = Regime(optimizer=regime.optimizer, decay=DECAYS[regime.optimizer])
    bounds = [counted(regime.epochs, "epoch") if regime.epochs else "",
              counted(regime.steps, "step") if regime.steps else "",
              units.duration(regime.seconds) if regime.seconds else ""]
    others = [text.format(getattr(regime, name)) for name, text in _UNUSUAL.items()
              if getattr(regime, name) != getattr(usual, name)]
    if regime.augment:
        others.append(" and ".join(regime.augment))
    return ", ".join([f"{regime.optimizer} {regime.rate:.3g}", f"batch {regime.batch:,}", *filter(None, bounds),
                      f"seed{'s' * (len(seeds) > 1)} {listed([*map(str, seeds or (regime.seed,))])}", *others])


def counted(count: int, what: str) -> str:
    """`1 epoch`, `1,438 epochs`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _end(found: Learning) -> Iterator[Line]:
    best, last = found.best, found.last
    if best is not None and last is not None:
        yield [Styled("  validation accuracy "), Styled(units.percent(last.val_accuracy), "bold"),
               Styled("" if best is last else f", at best {units.percent(best.val_accuracy)} at epoch {best.epoch}")]
    yield [Styled(f"  {counted(found.steps, 'step')}, {units.duration(found.seconds)}, "
                  f"{units.rate(found.images_per_second)} images/s")]
    failed = [check for check in found.checks if not check.passed]
    for check in failed:
        yield [Styled(f"  ! {check.says}", "bad")]
    if found.ended:
        yield [Styled(f"  ended before its time: {found.ended}", "bad")]
    if found.checkpoint:
        yield [Styled(f"  kept in {found.checkpoint}", "dim")]
    if found.best_weights and best is not None:
        yield [Styled(f"  the weights of epoch {best.epoch} in {found.best_weights}", "dim")]


def epoch_text(epoch: Epoch) -> str:
    """A line of the table of epochs."""
    return _row((str(epoch.epoch), loss_text(epoch.train_loss), units.percent(epoch.train_accuracy),
                 loss_text(epoch.val_loss), units.percent(epoch.val_accuracy), units.rate(epoch.images_per_second)))


def loss_text(value: float) -> str:
    """Four decimals; of a loss that has burst, its power of ten."""
    return f"{value:.4f}" if abs(value) < _BURST else f"{value:.1e}"


def check_lines(check: Check, room: int | None = None) -> Iterator[Line]:
    """What one question has found, and what to do about it, in lines of so many cells."""
    cells = _ENDLESS if room is None else max(room - 2, 20)
    first, *rest = wrapped(check.says, cells)
    yield [Styled("✓ " if check.passed else "! ", "good" if check.passed else "bad"), Styled(first)]
    yield from ([Styled(f"  {line}")] for line in rest)
    if check.advice:
        yield from ([Styled(f"  {line}", "dim")] for line in wrapped(check.advice, cells))


def tick(epoch: int, step: int, steps: int | None, loss: float, accuracy: float, progress: float, seconds: float,
         batch: int) -> str:
    """The line that moves: where the run is, how well it learns, and how long it still takes."""
    of = f" of {steps:,}" if steps else ""
    left = f"  {units.duration(seconds * (1 - progress) / progress)} left" if progress else ""
    speed = units.rate(step * batch / seconds) if seconds else "–"
    learned = f"loss {loss_text(loss)}  accuracy {units.percent(accuracy)}"
    return f"epoch {epoch + 1}  step {step:,}{of}  {learned}  {speed} images/s{left}"


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
        "best_weights": found.best_weights or None,
        "environment": dict(found.environment),
    }
    return json.dumps(number(data), ensure_ascii=False, allow_nan=False, indent=2)


def plain(record: Any) -> dict[str, Any]:
    """A record's fields; numbers that JSON does not know are null."""
    return {name: number(getattr(record, name)) for name in record._fields}


def number(value: Any) -> Any:
    """A value as JSON has it: null for a number that it does not know."""
    if isinstance(value, float) and value - value != 0:  # neither infinite nor undefined
        return None
    if isinstance(value, list):
        return [number(one) for one in value]
    return {key: number(one) for key, one in value.items()} if isinstance(value, dict) else value
