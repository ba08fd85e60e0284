"""From the paths of a network to the names of PyTorch's attributes: `basic[4].conv` is `basic.4.conv`."""

from __future__ import annotations

import keyword

from torch import fx


def attribute(path: str) -> str:
    """The path with dots for brackets; a part that Python or `torch.fx.GraphModule` uses itself gains a `_`."""
    return ".".join(map(_free, path.replace("[", ".").replace("]", "").split(".")))


def _free(part: str) -> str:
    return f"{part}_" if keyword.iskeyword(part) or part in _TAKEN else part


_TAKEN = frozenset((*dir(fx.GraphModule), *vars(fx.GraphModule({}, fx.Graph()))))
