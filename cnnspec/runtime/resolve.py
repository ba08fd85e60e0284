"""From a recipe to the thing itself: dotted names looked up, modules made."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from torch.nn.utils import parametrizations

from cnnspec.layers.recipe import Function, Module

if TYPE_CHECKING:
    from torch import nn


@cache
def find(name: str) -> Any:
    """What a dotted name stands for: `torch.nn.Conv2d`. Raises `ImportError` or `AttributeError` for no such thing."""
    parent, _, last = name.rpartition(".")
    try:
        home = import_module(parent)
    except ModuleNotFoundError:  # an attribute of a class or of a lazily loaded module
        home = find(parent)
    return getattr(home, last)


def module(recipe: Module, *, in_place: bool = False) -> nn.Module:
    """The module of a recipe, on the default device."""
    made: nn.Module = find(recipe.name)(**recipe.settings, **({"inplace": True} if in_place else {}))
    if recipe.norm != "none":
        getattr(parametrizations, f"{recipe.norm}_norm")(made)
    if recipe.fixed:
        fix(made)
    return made


def function(recipe: Function, *, in_place: bool = False) -> Callable[..., Any]:
    """The function of a recipe."""
    found: Callable[..., Any] = find(recipe.in_place if in_place else recipe.name)
    return found


def fix(module: nn.Module) -> None:
    """Make buffers of the parameters, which then neither learn nor count as learned."""
    for part in module.modules():
        for name, parameter in list(part.named_parameters(recurse=False)):
            delattr(part, name)
            part.register_buffer(name, parameter.detach())
