"""A short training run: what it is asked, and what it has shown."""

from __future__ import annotations

from collections.abc import Mapping

from cnnspec.record import Record

OPTIMIZERS = ("adamw", "sgd")
SCHEDULES = ("cosine", "step", "constant")
LOSSES = ("cross-entropy", "hinge")
#: Learning rates that most networks bear, by optimiser.
RATES = {"adamw": 1e-3, "sgd": 0.05}
#: By optimiser: AdamW's is taken apart from the gradient, and so is larger.
DECAYS = {"adamw": 0.01, "sgd": 5e-4}
#: Passes over the images where nothing else bounds a run.
EPOCHS = 10


class Regime(Record):
    """How a network is trained. Rates and decays are per step; shares are of the whole run."""

    optimizer: str = "adamw"
    rate: float = RATES["adamw"]
    #: Of SGD (Nesterov's stays off).
    momentum: float = 0.9
    #: On weights alone: not on biases, nor on what normalisations learn.
    decay: float = DECAYS["adamw"]
    schedule: str = "cosine"
    #: The share of the run in which the rate rises from nearly 0.
    warmup: float = 0.05
    loss: str = "cross-entropy"
    #: Of the labels, in cross-entropy.
    smoothing: float = 0.0
    #: What the losses of further outputs count beside the main one's.
    further: float = 0.3
    #: The largest norm of all gradients together; None for any.
    clip: float | None = None
    #: How much of an averaged weight remains in a step; None: weights are not averaged.
    average: float | None = None
    #: What operators compute in where they may choose: float32, or bfloat16 or float16 under autocast.
    dtype: str = "float32"
    #: Images of one step, over all processes.
    batch: int = 64
    #: What ends the run, whichever comes first; None: no such bound.
    epochs: int | None = EPOCHS
    steps: int | None = None
    seconds: float | None = None
    augment: tuple[str, ...] = ()
    seed: int = 0
    deterministic: bool = False


class Epoch(Record):
    """One pass over the training images, or the part of one after which the run has ended."""

    #: Whole epochs that are done, this one among them; steps likewise.
    epoch: int
    step: int
    #: Of training since the run began, validation left out.
    seconds: float
    #: Means over the epoch's images as they were trained on.
    train_loss: float
    train_accuracy: float
    #: On the validation images, with averaged weights where there are such.
    val_loss: float
    val_accuracy: float
    #: The last step's.
    rate: float
    images_per_second: float


class Check(Record):
    """One question that is asked before a run."""

    #: `initial-loss`, `overfit`, `dead-units`, `gradients`, `scale`, `classes`.
    name: str
    passed: bool
    #: What was found, with the figures.
    says: str
    #: What to do about it; empty where it passed.
    advice: str = ""
    #: The figures by name, or by the path of a layer.
    figures: Mapping[str, float] = {}


class Learning(Record):
    """A training run."""

    net: str
    #: What it learned from, as it was named.
    data: str
    #: What was done to bring both together, in sentences: `1,437 images of 10 classes; 1×8×8 resized to 1×32×32`.
    says: tuple[str, ...]
    regime: Regime
    device: str
    epochs: int
    steps: int
    seconds: float
    images_per_second: float
    history: tuple[Epoch, ...]
    checks: tuple[Check, ...]
    environment: Mapping[str, object]
    #: Why it ended before its bounds: `interrupted`, `the loss is not a number`; empty where it did not.
    ended: str = ""
    #: The checkpoint that holds its end; empty where none was asked for.
    checkpoint: str = ""
    #: The file that holds the weights of the best epoch; empty where there is none.
    best_weights: str = ""

    @property
    def last(self) -> Epoch | None:
        return self.history[-1] if self.history else None

    @property
    def best(self) -> Epoch | None:
        """The epoch of the best accuracy on the validation images."""
        return max(self.history, key=lambda epoch: epoch.val_accuracy, default=None)
