"""Checkpoints: all that a run needs to go on as if it had never stopped, in one safetensors file that is never torn.

A file holds the weights under the names of the network's own state dict, so that `--weights` takes it as it is; all
else stands under names that begin with `run/`. Its metadata has the spec's text with a hash, the state as JSON, and a
hash over all of it, since a bit that has changed on a disk would train on unnoticed. The weights of the best epoch
stand in a file of their own, with such metadata, of which the state is that epoch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.record import Record

#: What the names of tensors begin with that are no weights.
APART = "run/"
SCHEMA = "cnnspec.checkpoint/1"
#: Of a file of weights alone.
WEIGHTS = "cnnspec.weights/1"


class Checkpoint(Record):
    """A run at the end of a step."""

    weights: Mapping[str, Tensor]
    #: Averages, the optimiser's state, sums and states of random generators, by name.
    rest: Mapping[str, Tensor]
    #: The spec's text, and what makes its net; plain values.
    spec: Mapping[str, Any]
    #: Regime, place in the data, history; plain values.
    state: Mapping[str, Any]


def write(path: str, checkpoint: Checkpoint) -> None:
    """Write a checkpoint beside the old one, and put it in its place when it is on the disk.

    Raises `SpecError` (`not-writable`) where it cannot be written; the old one stays.
    """
    tensors = {**checkpoint.weights, **{APART + name: value for name, value in checkpoint.rest.items()}}
    _put(path, "the checkpoint", SCHEMA, tensors, checkpoint.spec, checkpoint.state)


def write_weights(path: str, weights: Mapping[str, Tensor], spec: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Write weights alone, as `write` does, with what is known of them as plain values."""
    _put(path, "the weights", WEIGHTS, weights, spec, state)


def _put(path: str, what: str, schema: str, tensors: Mapping[str, Tensor], spec: Mapping[str, Any],
         state: Mapping[str, Any]) -> None:
    from safetensors.torch import save

    plain = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    said = {"schema": schema, "spec": json.dumps(spec), "state": json.dumps(state)}
    data = save(plain, {**said, "digest": _digest(plain, said)})
    beside = f"{path}.{os.getpid()}.part"
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(beside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
        _settle(os.path.dirname(path) or ".")
    except OSError as error:
        with suppress(OSError):
            os.unlink(beside)
        raise SpecError([Diagnostic("not-writable", f"{what} {path} cannot be written: {error.strerror}",
                                    help="another folder: `--out FOLDER`")]) from None


def sweep(path: str) -> None:
    """Remove what processes that were killed while they wrote this checkpoint have left of it."""
    folder, name = os.path.split(path)
    with suppress(OSError):  # a run that cannot write here says so itself
        for each in os.listdir(folder or "."):
            if each.startswith(f"{name}.") and each.endswith(".part"):
                os.unlink(os.path.join(folder, each))


def _digest(tensors: Mapping[str, Tensor], said: Mapping[str, str]) -> str:
    """64 hexadecimal digits (SHA-256) of all that a checkpoint holds; the tensors are contiguous, on the CPU."""
    from hashlib import sha256

    found = sha256("\n".join([said["spec"], said["state"]]).encode())
    for name in sorted(tensors):
        value = tensors[name]
        found.update(f"\n{name} {value.dtype} {tuple(value.shape)}\n".encode())
        found.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def _settle(folder: str) -> None:
    """Wait until the disk has a folder's new names too, on systems that can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path: str) -> Checkpoint:
    """A checkpoint from its file; raises `SpecError` (`bad-checkpoint`) for what is none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            known = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it is no mapping
        if known.get("schema") != SCHEMA:
            raise _bad(path, "it holds weights alone" if known.get("schema") in {None, WEIGHTS} else
                       f"it is of another kind, {known['schema']}")
        if known["digest"] != _digest(tensors, known):
            raise _bad(path, "it is damaged: its hash is another than when it was written")
        spec, state = json.loads(known["spec"]), json.loads(known["state"])
    except OSError as error:
        raise _bad(path, f"it cannot be read: {error.strerror or error}") from None
    except SafetensorError as error:
        raise _bad(path, f"it is no safetensors file, or a damaged one ({error})") from None
    except (KeyError, ValueError) as error:
        raise _bad(path, f"its metadata is damaged ({error})") from None
    weights = {name: value for name, value in tensors.items() if not name.startswith(APART)}
    rest = {name.removeprefix(APART): value for name, value in tensors.items() if name.startswith(APART)}
    return Checkpoint(weights, rest, spec, state)


def state(path: str) -> Mapping[str, Any]:
    """The state in a file of either kind, without its tensors; nothing where it is no such file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            found: Mapping[str, Any] = json.loads((file.metadata() or {})["state"])
    except (OSError, SafetensorError, KeyError, ValueError):
        return {}
    return found


def _bad(path: str, why: str) -> SpecError:
    return SpecError([Diagnostic("bad-checkpoint", f"{path} is no checkpoint of a run: {why}",
                                 help="without `--resume`, a run begins anew; `--init FILE` takes weights alone")])


def randomness(device: torch.device) -> dict[str, Tensor]:
    """The states of the random generators that layers draw from."""
    states = {"random/cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["random/cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["random/mps"] = torch.mps.get_rng_state()
    return states


def set_randomness(states: Mapping[str, Tensor], device: torch.device) -> None:
    """Set the random generators to states that `randomness` has told; those of another device are passed over."""
    torch.set_rng_state(states["random/cpu"])
    if device.type == "cuda" and "random/cuda" in states:
        torch.cuda.set_rng_state(states["random/cuda"], device)
    elif device.type == "mps" and "random/mps" in states:
        torch.mps.set_rng_state(states["random/mps"])


def flattened(state: Mapping[str, Any], prefix: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """An optimiser's state dict as tensors by name, and as plain values in which their names stand for them."""
    tensors: dict[str, Tensor] = {}

    def plain(value: Any, name: str) -> Any:
        if isinstance(value, Tensor):
            tensors[name] = value
            return {"tensor": name}
        if isinstance(value, Mapping):
            return {"items": [[key, plain(one, f"{name}/{key}")] for key, one in value.items()]}
        if isinstance(value, list | tuple):
            return [plain(one, f"{name}/{at}") for at, one in enumerate(value)]
        return value

    return tensors, plain(state, prefix)


def unflattened(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The state that `flattened` has made two of."""
    if isinstance(value, Mapping):
        if "tensor" in value:
            return tensors[value["tensor"]]
        return {key: unflattened(one, tensors) for key, one in value["items"]}
    return [unflattened(one, tensors) for one in value] if isinstance(value, list) else value
