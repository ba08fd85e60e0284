"""What makes a run's network again, and where its images lie, for whoever goes on with it from wherever."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from cnnspec import files, revisions
from cnnspec.cli.options import load_target, take_inputs, take_settings
from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.graph.program import Module
from cnnspec.limits import Limits
from cnnspec.net import Net
from cnnspec.source import Source
from cnnspec.targets import Shelf, from_source, load_module, resolve
from cnnspec.variants import given

#: Sources of images that stand before a path.
_WITH_PATH = {"folder", "npz", "idx"}


def described(net: Net, named: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """A run's network and images as plain values: as they were named, and where they lie.

    `named` has `target`, `expression`, `settings` and `inputs`; `options` have `data`, `root`, `init` and `freeze`.
    """
    return {
        "named": dict(named), "name": net.name, "source": net.source, "text": net.target.module.file.source.text,
        "file": os.path.abspath(net.source) if os.path.isfile(net.source) else None,
        **{name: options[name] for name in ("data", "root", "init", "freeze")},
        "places": {"data": _absolute(options["data"]),
                   **{name: options[name] and os.path.abspath(options[name]) for name in ("root", "init")}},
    }


def gives_classes(named: Mapping[str, Any]) -> bool:
    """Whether what names a network says how many classes it tells; else the images may."""
    return "classes" in take_settings(tuple(named["settings"]))


def place(spec: Mapping[str, Any], name: str) -> Any:
    """Where `data` or `root` lies now: where it did, else as it was named, from the current folder."""
    named, kept = spec[name], spec.get("places", {}).get(name)
    if kept is None or (not os.path.exists(_path(kept)) and os.path.exists(_path(named))):
        return named
    return kept


def network(spec: Mapping[str, Any], limits: Limits) -> tuple[Net, tuple[str, ...]]:
    """The network of a run, and what was done to have it, in sentences.

    Its file is read where it lay, or as it was named; where neither can be, the text that was kept stands for it.
    Raises `SpecError` where that uses other files that are gone, or has mistakes.
    """
    named = spec["named"]
    settings, inputs = tuple(named["settings"]), tuple(named["inputs"])
    if named["expression"] is not None:
        return load_target(None, named["expression"], settings, inputs, limits), ()
    for path in dict.fromkeys(filter(None, (spec.get("file"), spec["source"]))):
        try:
            return _net(files.read(path, limits), named["target"], settings, inputs, limits), ()
        except SpecError as error:
            if error.diagnostics[0].span is not None or error.diagnostics[0].code not in _UNREAD:
                raise
    if named["target"] != "-" and spec.get("file") is None:  # of a revision
        with suppress(SpecError):
            return load_target(named["target"], None, settings, inputs, limits), ()
    gone = spec.get("file") or spec["source"]
    said = () if named["target"] == "-" else (f"{gone} cannot be read: its text in the checkpoint stands for it",)
    return _net(Source(gone, spec["text"]), named["target"], settings, inputs, limits, kept=True), said


#: What `files.read` raises.
_UNREAD = {"file-not-found", "not-a-file", "limit-file", "not-utf8"}


class _Only(Shelf):
    """A shelf with one file, whatever is asked for."""

    def __init__(self, limits: Limits, only: Module) -> None:
        super().__init__(limits)
        self.only = only

    def find(self, net: str) -> str:
        return self.only.file.source.name

    def module(self, path: str) -> Module:
        return self.only


def _net(source: Source, target: str, settings: tuple[str, ...], inputs: tuple[str, ...], limits: Limits, *,
         kept: bool = False) -> Net:
    """The net of a text that a target names; `kept`: the text is all there is."""
    module, mistakes = load_module(source, limits)
    if mistakes and kept:
        raise SpecError([Diagnostic("file-not-found", f"there is no file {source.name}, and its text in the checkpoint "
                                    "is not enough", notes=tuple(mistake.message for mistake in mistakes))])
    if mistakes:
        raise SpecError(mistakes)
    revised = revisions.named(target)
    if target == "-" or revised is not None:
        found = from_source(source, None, limits, revised[1] if revised else "")
    else:
        found = resolve(target, None, limits, _Only(limits, module))
    values, shapes = take_settings(settings), take_inputs(inputs)
    found = given(found, values) if values else found
    elaboration = found.elaborate(shapes)
    if elaboration.graph is None:
        raise SpecError(elaboration.diagnostics)
    return Net(found, elaboration.graph, (), shapes)


def _absolute(data: str) -> str:
    """A source of images, its path from the root."""
    kind, colon, path = data.partition(":")
    return f"{kind}:{os.path.abspath(path)}" if colon and kind in _WITH_PATH else data


def _path(text: str) -> str:
    """The path in a source of images, or the path that a text is."""
    kind, colon, path = text.partition(":")
    return path if colon and kind in _WITH_PATH else text
