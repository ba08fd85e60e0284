"""cnnspec: convolutional networks as text; their shapes, parameters, MACs, receptive fields and memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnspec.diagnostics import Diagnostic, SpecError
    from cnnspec.limits import Limits
    from cnnspec.net import Net, load, parse

__version__ = "0.1.0"
__all__ = ["Diagnostic", "Limits", "Net", "SpecError", "load", "parse"]

_HOMES = {"Diagnostic": "diagnostics", "SpecError": "diagnostics", "Limits": "limits",
          "Net": "net", "load": "net", "parse": "net"}


def __getattr__(name: str) -> Any:
    """The public names, imported when first used: `cnnspec check` needs few of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"cnnspec.{_HOMES[name]}"), name)
