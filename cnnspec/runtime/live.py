"""Live memory by counting: every storage that an operator makes, until it is freed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveStorages(TorchDispatchMode):
    """While it is entered, keeps the bytes of all live storages and their peak, as seen after each operator.

    It works on every device, `meta` too, where nothing is computed. Memory that an operator takes and frees inside
    itself is not seen.
    """

    def __init__(self, tensors: Iterable[torch.Tensor]) -> None:
        """`tensors` are live from the start: weights, buffers, inputs."""
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no type for it
        self._live: dict[int, tuple[StorageWeakRef, int]] = {}
        self.peak = 0
        self._enter(tensors)

    def __torch_dispatch__(self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (),
                           kwargs: Mapping[str, Any] | None = None) -> Any:
        made = func(*args, **(kwargs or {}))
        self._enter(leaf for leaf in tree_leaves(made) if isinstance(leaf, torch.Tensor))
        return made

    def _enter(self, tensors: Iterable[torch.Tensor]) -> None:
        for tensor in tensors:
            storage = tensor.untyped_storage()
            reference = StorageWeakRef(storage)
            held = self._live.get(reference.cdata)
            if held is None or held[0].expired():  # an address may be used again
                self._live[reference.cdata] = reference, storage.nbytes()
        self.peak = max(self.peak, self.bytes())

    def bytes(self) -> int:
        """The bytes that are live now."""
        for address, (reference, _) in list(self._live.items()):
            if reference.expired():
                del self._live[address]
        return sum(size for _, size in self._live.values())
