"""The sources that `--data` names, and which module knows each."""

from __future__ import annotations

from cnnspec.diagnostics import Diagnostic, SpecError, closest
from cnnspec.layers.base import Shape
from cnnspec.runtime.data.images import Data
from cnnspec.runtime.data.labelled import bad
from cnnspec.runtime.data.vision import KNOWN

#: How each source is written.
WRITTEN = {"digits": "digits", **{name: name for name in KNOWN}, "folder": "folder:PATH", "npz": "npz:PATH",
           "idx": "idx:PATH", "synthetic": "synthetic"}


def open_data(text: str, root: str | None, seed: int, shape: Shape | None = None) -> Data:
    """The images that `text` names: `digits`, `folder:pets`.

    Named sets are looked for under `root`, and `seed` decides what is judged by where nothing else does. `shape` is the
    network's input, channels first: images of many sizes are brought to its extents at once. Raises `SpecError`.
    """
    name, colon, path = text.partition(":")
    if name not in WRITTEN:
        match = closest(name, WRITTEN)
        raise bad(f"there is no source of images called `{name}`",
                  (f"did you mean `{WRITTEN[match]}`? " if match else "") + f"There are {', '.join(WRITTEN.values())}")
    if name in {"folder", "npz", "idx"} and not path:
        raise bad(f"`{name}` needs a path", f"`--data {WRITTEN[name]}`")
    if colon and name != "synthetic" and not WRITTEN[name].endswith("PATH"):
        raise bad(f"`{name}` takes no path, but `{text}` has one",
                  f"`--data {name} --root {path}`" if name in KNOWN else f"`--data {name}`")
    return _open(name, path, root, seed, shape)


def _open(name: str, path: str, root: str | None, seed: int, shape: Shape | None) -> Data:
    """The images of a source whose name is known; only its own packages are imported."""
    if name == "digits":
        from cnnspec.runtime.data.digits import digits

        return digits(seed)
    if name == "folder":
        try:
            from cnnspec.runtime.data.folder import folder
        except ImportError as error:
            raise SpecError([Diagnostic(
                "no-package", f"images in files are read by Pillow, which does not import ({error})",
                help="`pip install 'cnnspec[train]'`")]) from None

        return folder(path, seed, shape)
    if name == "npz":
        from cnnspec.runtime.data.arrays import arrays

        return arrays(path, seed)
    if name == "idx":
        from cnnspec.runtime.data.idx import idx

        return idx(path, seed)
    if name == "synthetic":
        from cnnspec.runtime.data.synthetic import synthetic

        return synthetic(path, seed)
    from cnnspec.runtime.data.vision import vision

    return vision(name, root, seed)
