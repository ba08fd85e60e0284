"""A network while it learns: its weights, the optimiser, their averages, and one step of training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cnnspec.analysis.learning import Regime
from cnnspec.runtime.train.loss import loss, one, scores
from cnnspec.runtime.train.optimizer import optimizer, set_rate
from cnnspec.runtime.train.team import Team


class Learner:
    """Trains one module on one device. Sums over images stay on the device, so that no step waits for it."""

    def __init__(self, module: nn.Module, regime: Regime, team: Team, still: Sequence[nn.Module] = ()) -> None:
        """`still` are the modules whose statistics stay as they are."""
        self.module, self.regime, self.team, self.still = module, regime, team, still
        self.optimizer = optimizer(module, regime)
        module.eval()
        self.forward = team.joined(module, still)
        # Losses in float16 are scaled up, since small gradients would vanish.
        self.scaler = torch.amp.GradScaler(team.device.type, enabled=regime.dtype == "float16")
        self.average = None if regime.average is None else {
            name: value.detach().clone() for name, value in module.state_dict().items()}
        #: Steps so far, from which averages follow the weights more slowly; a run that is resumed sets them.
        self.steps = 0
        #: Over the images of this epoch so far, in all processes: loss, right answers, images. float64.
        self.sums = torch.zeros(3, dtype=torch.float64, device=team.device)

    def step(self, images: Tensor, labels: Tensor, rate: float) -> Tensor:
        """One step: forward, loss, backward, update.

        Returns the loss of the whole batch, which the device may still be computing.
        """
        self._set_training()
        set_rate([self.optimizer], rate)
        self.optimizer.zero_grad(set_to_none=True)
        with self.team.casting():
            made = self.forward(images)
        value = loss(made, labels, self.regime)
        self.scaler.scale(value).backward()
        if self.regime.clip is not None:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.module.parameters(), self.regime.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self._average()
        counted = self.team.summed(_counted(value.detach(), scores(made).detach(), labels))
        self.sums += counted
        return (counted[0] / counted[2]).to(value.dtype)

    def _set_training(self) -> None:
        if not self.module.training:  # it stays so from step to step
            self.module.train()
            for one in self.still:
                one.eval()

    @torch.no_grad()
    def _average(self) -> None:
        """Move the averages towards the weights (Polyak and Juditsky, 1992); counts are taken as they are.

        In step t, from 0 on, (1 + t)/(10 + t) of them remains, and no more than the regime says, as TensorFlow's
        `ExponentialMovingAverage` does with `num_updates`: else they would be the initial weights for long.
        """
        step, self.steps = self.steps, self.steps + 1
        if self.average is None or self.regime.average is None:
            return
        kept = min(self.regime.average, (1 + step) / (10 + step))
        for name, value in self.module.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, 1 - kept)
            else:
                self.average[name].copy_(value)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The module with averaged weights; its own again afterwards."""
        if self.average is None:
            yield
            return
        own = {name: value.clone() for name, value in self.module.state_dict().items()}
        self.module.load_state_dict(self.average)
        try:
            yield
        finally:
            self.module.load_state_dict(own)

    @torch.no_grad()
    def judge(self, batches: Iterator[tuple[Tensor, Tensor]],
              stopped: Callable[[], bool]) -> tuple[float, float] | None:
        """Loss and accuracy over validation images, the loss of the main output alone; None where it is stopped."""
        sums = torch.zeros_like(self.sums)
        self.module.eval()
        with self.averaged():
            for images, labels in batches:
                with self.team.casting():
                    found = scores(self.module(images))
                sums += _counted(one(found, labels, self.regime), found, labels)
                (asked,) = self.team.most((float(stopped()),))
                if asked:
                    return None
        told, right, seen = self.team.summed(sums).tolist()
        return told / seen, right / seen


def _counted(value: Tensor, found: Tensor, labels: Tensor) -> Tensor:
    """Of a batch: the loss of all images together, right answers, images. float64."""
    right = (found.argmax(1) == labels).sum()
    count = value.new_full((), len(labels), dtype=torch.float64)  # made there, not copied: a copy would be waited for
    return torch.stack([value.double() * count, right.double(), count])
