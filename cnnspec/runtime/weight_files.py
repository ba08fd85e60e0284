"""State dicts from files, read so that nothing in them is ever run."""

from __future__ import annotations

import os
import pickle
import re
import struct
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from cnnspec.diagnostics import Diagnostic, SpecError

#: The ends of the names of PyTorch's own files.
PICKLED = (".pt", ".pth", ".bin")
#: Keys under which training scripts keep the state dict beside other things.
WRAPPERS = ("state_dict", "model_state_dict", "model")
#: What wrappers of modules put before each key.
WRAPPED = ("module.", "_orig_mod.")
#: What reading a damaged pickle may raise, step for step as the machine that runs it fails.
DAMAGED = (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError,
           AssertionError, ArithmeticError, MemoryError, struct.error)
#: How PyTorch names what it refuses to call.
CALLED = re.compile(r"GLOBAL ([\w.]+)")


def load_file(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The state dict that a file holds, on the CPU, in the file's order (safetensors keeps none: by name).

    Reads `.safetensors`, and PyTorch's `.pt`, `.pth` and `.bin`, also where the state dict stands under `state_dict`
    or `model`, or bears the prefix of a wrapper such as DataParallel. Raises `SpecError` (`bad-weights`) for a file
    that is missing or damaged, is no such file, or would run code.
    """
    name = os.fspath(path)
    _, extension = os.path.splitext(name)
    try:
        with open(name, "rb"):
            pass  # which tells of a file that cannot be read, for all kinds alike
        if extension == ".safetensors":
            return unwrap(_safetensors(name), name)
        if extension in PICKLED:
            return unwrap(_pickled(name), name)
    except (OSError, ValueError) as error:  # the latter: a path with a zero byte
        raise _error(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    raise _error(f"{name} is no file of weights, by its name",
                 f"it should end in .safetensors or in one of {' '.join(PICKLED)}")


def unwrap(content: Any, name: str) -> dict[str, Tensor]:
    """The state dict in what a file holds; raises `SpecError` where there is none."""
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
            break
    if not isinstance(content, Mapping):
        raise _error(f"{name} holds no state dict, but an object of type {type(content).__name__}")
    other = next((key for key, value in content.items() if not isinstance(value, Tensor)), None)
    if other is not None:
        raise _error(f"{name} holds no state dict: `{other}` is of type {type(content[other]).__name__}, no tensor")
    state = {str(key): value for key, value in content.items()}
    for prefix in WRAPPED:
        if state and all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): value for key, value in state.items()}
    return state


def _safetensors(path: str) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise _error(f"{path} needs the package safetensors", "`pip install 'cnnspec[torch]'`") from None
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  # it is no mapping
    except SafetensorError as error:
        raise _error(f"{path} is damaged, or no safetensors file: {error}") from None


def _pickled(path: str) -> Any:
    try:
        with warnings.catch_warnings(action="ignore"):  # of pickles that PyTorch did not write: they fail, or do not
            return torch.load(path, map_location="cpu", weights_only=True)
    except DAMAGED as error:
        called = CALLED.search(str(error))
        if called:
            raise _error(f"{path} holds more than weights: reading it would call `{called[1]}`",
                         "save the state dict alone: `torch.save(model.state_dict(), …)`") from None
        raise _error(f"{path} is damaged, or no file that PyTorch saved") from None


def _error(message: str, help: str = "") -> SpecError:
    return SpecError([Diagnostic("bad-weights", message, help=help)])
