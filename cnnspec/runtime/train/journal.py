"""What a run leaves behind as it goes: metrics as JSON Lines, and for TensorBoard where that is installed."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any

from cnnspec.analysis.learning import Epoch
from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.runtime.train.course import Tick

METRICS = "metrics.jsonl"
#: Steps between two lines: each would cost a wait for the device, and a file of its own size.
_EVERY = 10


class Journal:
    """Writes `metrics.jsonl` into a folder: a line for some steps and one for every epoch.

    What a broken run has written beyond the step that it goes on from is cut off.
    """

    def __init__(self, folder: str, step: int = 0, epoch: int = 0) -> None:
        """`step` and `epoch` are how many were done before. Raises `SpecError` where the folder cannot be written."""
        self.path = os.path.join(folder, METRICS)
        beside = f"{self.path}.part"
        try:
            os.makedirs(folder, exist_ok=True)
            if not step and os.path.exists(self.path):
                _clear(folder)
            with open(beside, "w", encoding="utf-8") as file:
                file.writelines(self._until(step, epoch) if step else [])
            os.replace(beside, self.path)  # so that whoever is killed here leaves one of both, whole
            self.file = open(self.path, "a", encoding="utf-8")  # noqa: SIM115  # as long as the run
            self.board = _board(folder, step)
        except OSError as error:
            with suppress(OSError):
                os.unlink(beside)
            raise self._unwritten(error) from None

    def _until(self, step: int, epoch: int) -> list[str]:
        """The lines of steps and epochs up to these; a last line that is torn is none.

        An epoch's line is written before the checkpoint, and then has its last step's number.
        """
        kept = []
        with suppress(FileNotFoundError), open(self.path, encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    fields = json.loads(line)
                    if fields["step"] <= step and fields["epoch"] <= epoch and line.endswith("\n"):
                        kept.append(line)
                except (ValueError, KeyError, TypeError):
                    break
        return kept

    def stepped(self, tick: Tick) -> None:
        """Note a step, every tenth."""
        if tick.step % _EVERY == 0:
            self._write({"step": tick.step, "epoch": tick.epoch, "loss": float(tick.loss), "rate": tick.rate,
                         "seconds": tick.seconds})
            self._draw({"loss/step": float(tick.loss), "rate": tick.rate}, tick.step)

    def judged(self, epoch: Epoch) -> None:
        """Note an epoch."""
        fields = {name: getattr(epoch, name) for name in Epoch._fields}
        self._write(fields)
        self._draw({"loss/train": epoch.train_loss, "loss/val": epoch.val_loss, "accuracy/train": epoch.train_accuracy,
                    "accuracy/val": epoch.val_accuracy, "images per second": epoch.images_per_second}, epoch.step)

    def close(self) -> None:
        """Put all on the disk, as far as that has room: of what has none, `stepped` or `judged` has told."""
        with suppress(OSError):
            self.file.close()
        if self.board is not None:
            with suppress(OSError):
                self.board.close()

    def _write(self, values: dict[str, Any]) -> None:
        try:
            self.file.write(json.dumps(values) + "\n")
            self.file.flush()
        except OSError as error:
            raise self._unwritten(error) from None

    def _draw(self, values: dict[str, float], step: int) -> None:
        if self.board is None:
            return
        try:
            for name, value in values.items():
                self.board.add_scalar(name, value, step)
        except OSError as error:
            raise self._unwritten(error) from None

    def _unwritten(self, error: OSError) -> SpecError:
        return SpecError([Diagnostic("not-writable", f"{self.path} cannot be written: {error.strerror}")])


def _clear(folder: str) -> None:
    """Remove what TensorBoard would show of the run that was in a folder before."""
    for name in os.listdir(folder):
        if name.startswith("events.out.tfevents."):
            os.unlink(os.path.join(folder, name))


def _board(folder: str, step: int) -> Any:
    """TensorBoard's writer; None where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(folder, purge_step=step or None)
