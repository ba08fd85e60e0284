"""The memory of a network as a whole and layer by layer, worked out where it is asked for, and then kept."""

from __future__ import annotations

from collections.abc import Mapping

from cnnspec.analysis.memory import Memory, Saved, Setting, inference
from cnnspec.analysis.storage import Storages, storages
from cnnspec.graph.network import Graph

#: What a network is run for.
INFERENCE, TRAINING = "inference", "training"
MODES = (INFERENCE, TRAINING)
DEVICES = ("cpu", "cuda")
#: Element types without gradients.
WITHOUT_GRADIENTS = ("int8",)


class Memories:
    """The memory of a network for a batch and an element type; two of the same network are equal."""

    def __init__(self, graph: Graph, batch: int, dtype: str) -> None:
        self.graph, self.batch, self.dtype = graph, batch, dtype
        self._told: dict[tuple[str, str, str], Memory] = {}
        self._live: dict[tuple[str, str], Mapping[int, int]] = {}
        self._kept: Kept | None = None
        self._reason: str | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Memories) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[Graph, int, str]:
        return self.graph, self.batch, self.dtype

    def __repr__(self) -> str:
        return f"Memories({self.graph!r}, batch={self.batch}, dtype={self.dtype!r})"

    @property
    def untrained(self) -> str:
        """Why it cannot be trained, in words; empty where it can."""
        if self._reason is None:
            self._reason = _untrained(self.graph, self.dtype)
        return self._reason

    def of(self, mode: str, optimizer: str, device: str) -> Memory:
        """A pass; raises `ValueError` where an argument is unknown, or the network cannot be trained."""
        from cnnspec.analysis.training import OPTIMIZERS, training

        for name, value, known in (("mode", mode, MODES), ("optimizer", optimizer, OPTIMIZERS),
                                   ("device", device, DEVICES)):
            if value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, not {value!r}")
        if mode == TRAINING and self.untrained:
            raise ValueError(self.untrained)
        asked = (mode, optimizer if mode == TRAINING else "", device)
        if asked not in self._told:
            setting = Setting(self.batch, self.dtype, device)
            self._told[asked] = inference(self.graph, setting) if mode == INFERENCE else \
                training(self.graph, setting, optimizer)
        return self._told[asked]

    def live(self, mode: str, optimizer: str) -> Mapping[int, int]:
        """By layer that runs, the most bytes that are live meanwhile: forward, and in training backward too."""
        asked = (mode, optimizer if mode == TRAINING else "")
        if asked not in self._live:
            most: dict[int, int] = {}
            for moment in self.of(mode, optimizer, "cpu").timeline:
                if moment.node is not None:
                    most[moment.node] = max(most.get(moment.node, 0), moment.peak)
            self._live[asked] = most
        return self._live[asked]

    def kept(self) -> Kept:
        """What is kept for the backward pass; raises `ValueError` for a network that cannot be trained."""
        if self._kept is None:
            self._kept = Kept(self.graph, self.of(TRAINING, "sgd", "cpu").saved)
        return self._kept


class Kept:
    """What is kept for the backward pass, by the layers that make it and by those that need it."""

    def __init__(self, graph: Graph, saved: tuple[Saved, ...]) -> None:
        from cnnspec.analysis.training import trained

        self.total = sum(one.bytes for one in saved)
        self.places: Storages = storages(graph, training=True)
        #: By node, whether gradients flow through it.
        self.flows = trained(graph)
        #: By layer that makes them, bytes; each block once, whatever shares it.
        self.made: dict[int, int] = {}
        #: By layer that needs them.
        self.needed: dict[int, list[Saved]] = {}
        for one in saved:
            self.made[one.node] = self.made.get(one.node, 0) + one.bytes
            for index in one.needed_by:
                self.needed.setdefault(index, []).append(one)


def _untrained(graph: Graph, dtype: str) -> str:
    from cnnspec.analysis.training import trained

    if dtype in WITHOUT_GRADIENTS:
        return f"{dtype} has no gradients: such a network is not trained"
    flows = trained(graph)
    if not any(flows[index] for index in (graph.output, *(output.node for output in graph.outputs))):
        return f"{graph.name} has no weights that training changes"
    return ""
