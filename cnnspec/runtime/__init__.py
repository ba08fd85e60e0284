"""The home of torch, fvcore and pynvml: networks as PyTorch modules, proved, measured, trained.

What needs none of them (the command line's words, the records that are printed) does not stand here.
"""

from __future__ import annotations

from cnnspec.diagnostics import Diagnostic
from cnnspec.environment import NoDevice


def require_torch() -> None:
    """Raise `NoDevice`, with what to install, where there is no torch."""
    try:
        import torch  # noqa: F401  # only whether it is there
    except ImportError as error:
        raise NoDevice([Diagnostic("no-torch", f"PyTorch is needed for this, and does not import ({error})",
                                   help="`pip install 'cnnspec[torch]'`")]) from error
