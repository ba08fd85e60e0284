"""Immutable, slotted records that cost almost nothing to declare or to make.

A hundred frozen dataclasses take about 50 ms to declare, longer than a whole `cnnspec check`. A `Record`
compiles its `__init__` at the first instance instead of at import, and type checkers see a frozen dataclass.
Modules that declare records use `from __future__ import annotations`.
"""

from __future__ import annotations

from typing import Any, ClassVar, dataclass_transform


@dataclass_transform(frozen_default=True, eq_default=True)
class RecordType(type):
    """Turns a class body's annotations into slots and defaults."""

    _fields: tuple[str, ...]
    _defaults: dict[str, Any]

    def __new__(mcls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> RecordType:
        own = tuple(
            field
            for field, annotation in body.get("__annotations__", {}).items()
            if not annotation.startswith("ClassVar")
        )
        fields: tuple[str, ...] = ()
        defaults: dict[str, Any] = {}
        for base in bases:
            if isinstance(base, RecordType):
                fields += base._fields
                defaults.update(base._defaults)  # noqa: SLF001  # of this very class
        defaults.update({field: body.pop(field) for field in own if field in body})
        body["__slots__"] = own
        body["__match_args__"] = body["_fields"] = fields + own
        body["_defaults"] = defaults
        cls = super().__new__(mcls, name, bases, body)
        if "__init__" not in body:
            cls.__init__ = _compiling_init(cls)  # type: ignore[misc]  # each class its own initialiser
        return cls


def _compiling_init(cls: RecordType) -> Any:
    """An initialiser that replaces itself by one compiled for the fields of `cls`, then runs that."""

    def first(self: Any, *values: Any, **named: Any) -> None:
        scope = {f"_set_{field}": getattr(cls, field).__set__ for field in cls._fields}
        scope.update({f"_default_{field}": value for field, value in cls._defaults.items()})
        arguments = ", ".join(
            f"{field}=_default_{field}" if field in cls._defaults else field for field in cls._fields
        )
        lines = [f"    _set_{field}(self, {field})" for field in cls._fields] or ["    pass"]
        exec(f"def __init__(self, {arguments}):\n" + "\n".join(lines), scope)  # noqa: S102  # our own field names
        cls.__init__ = scope["__init__"]  # type: ignore[misc]  # the compiled one, for all later instances
        scope["__init__"](self, *values, **named)

    return first


class Record(metaclass=RecordType):
    """A frozen value: equal to another of its type with equal fields, hashable if its fields are."""

    _fields: ClassVar[tuple[str, ...]]

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable; use replace({name}=…)")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, field) == getattr(other, field) for field in self._fields)

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, field) for field in self._fields)))

    def __repr__(self) -> str:
        inside = ", ".join(f"{field}={getattr(self, field)!r}" for field in self._fields)
        return f"{type(self).__name__}({inside})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, field) for field in self._fields)

    def replace(self, **changes: Any) -> Any:
        """A copy with the given fields changed."""
        return type(self)(**{**{field: getattr(self, field) for field in self._fields}, **changes})
