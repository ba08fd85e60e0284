"""JSON that somebody else may have written, read key by key; what does not fit gets a reason that names the key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class Foreign(ValueError):
    """Data that is not of the format; the text says where."""


#: What no count exceeds, and what a positive number and its inverse do not: what predictions make of them stays finite.
_MOST_COUNT, _MOST = 1 << 63, 1e18


class Reader:
    """An object of JSON. All of its methods raise `Foreign` for a key that is missing, or holds something else."""

    def __init__(self, data: object, place: str = "") -> None:
        if not isinstance(data, Mapping):
            raise Foreign(f"`{place.removesuffix('.')}` is no object" if place else "it holds no object")
        self.data: Mapping[str, Any] = data
        #: What stands before a key in a message: `points[3].`.
        self.place = place

    def schema(self, name: str) -> None:
        """Nothing, where the key `schema` names this format."""
        if self.data.get("schema") != name:
            raise Foreign(f'`{self.place}schema` is not "{name}"')

    def text(self, key: str) -> str:
        """A text."""
        return str(self._take(key, "text", lambda value: isinstance(value, str)))

    def flag(self, key: str) -> bool:
        """`true` or `false`."""
        return bool(self._take(key, "true or false", lambda value: isinstance(value, bool)))

    def count(self, key: str, least: int = 1) -> int:
        """A whole number."""
        return int(self._take(key, f"whole number of at least {least}", lambda value: isinstance(value, int)
                              and not isinstance(value, bool) and least <= value <= _MOST_COUNT))

    def number(self, key: str, least: float | None = None) -> float:
        """A number of a size that can be computed with, positive where there is no least one."""
        return float(self._take(key, "positive number", lambda value: isinstance(value, int | float)
                                and not isinstance(value, bool)
                                and (1 / _MOST if least is None else least) <= value <= _MOST))

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, which may be empty."""
        return tuple(self._take(key, "list of texts", lambda value: isinstance(value, list)
                                and all(isinstance(one, str) for one in value)))

    def counts(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers, each at least 1."""
        return tuple(self._take(key, "list of whole numbers", lambda value: isinstance(value, list) and all(
            isinstance(one, int) and not isinstance(one, bool) and 1 <= one <= _MOST_COUNT for one in value)))

    def inner(self, key: str) -> Reader:
        """An object."""
        return Reader(self._take(key, "object", lambda value: isinstance(value, Mapping)), f"{self.place}{key}.")

    def several(self, key: str, least: int = 1) -> list[Reader]:
        """A list of objects."""
        found = self._take(key, f"list of at least {least}",
                           lambda value: isinstance(value, list) and len(value) >= least)
        return [Reader(one, f"{self.place}{key}[{index}].") for index, one in enumerate(found)]

    def _take(self, key: str, wanted: str, fits: Callable[[Any], bool]) -> Any:
        if key not in self.data:
            raise Foreign(f"`{self.place}{key}` is missing")
        if not fits(self.data[key]):
            raise Foreign(f"`{self.place}{key}` is no {wanted}")
        return self.data[key]
