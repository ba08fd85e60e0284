"""How a layer is declared: one class holds its arguments, shape rule, weights, work, window and arithmetic.

A layer states local facts about the values that enter and leave it; sums and recurrences over a network are
`analysis`'s. Shapes are tuples of whole numbers, channels first, without the batch: `(C,)`, `(C, L)`,
`(C, H, W)`, `(C, D, H, W)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from cnnspec.layers.arguments import REQUIRED, Arg, LayerError, SameAs, Symbol
from cnnspec.layers.facts import (
    AS_FIRST,
    NO_SCRATCH,
    PASSED,
    POINT,
    VIEW,
    Buffer,
    Param,
    Reach,
    Saved,
    Scratch,
    Training,
    Work,
)
from cnnspec.layers.routine import MOVING, Routine

if TYPE_CHECKING:
    from cnnspec.layers.formula import Formula
    from cnnspec.layers.recipe import Recipe

Shape = tuple[int, ...]

#: The methods that every layer of the catalogue defines, itself or through its family.
RULES = ("shape", "params", "buffers", "work", "reach", "storage", "saved", "recipe")


#: What layers do; `other` is what a package of its own does not say.
FAMILIES = ("input", "convolution", "linear", "pooling", "normalisation", "activation", "merge", "resampling", "shape",
            "regularisation", "other")


class LayerType(type):
    """Collects a layer's arguments, in order, and refuses a layer that lacks a rule."""

    keyword: str
    #: The arguments by the name of their field, and by the name that specs use.
    declared: dict[str, Arg]
    args: dict[str, Arg]
    words: dict[str, str]

    def __new__(mcls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> LayerType:
        declared = {field: body.pop(field) for field, value in list(body.items()) if isinstance(value, Arg)}
        for base in bases:  # a family's shared arguments, such as `train`, come last
            declared.update({k: v for k, v in getattr(base, "declared", {}).items() if k not in declared})
        # only a layer has slots for its arguments, so that it can be of several families
        body.setdefault("__slots__", tuple(declared) if "keyword" in body else ())
        cls = super().__new__(mcls, name, bases, body)
        cls.declared = declared
        cls.args = {field.removesuffix("_"): arg for field, arg in declared.items()}  # `shape_`: specs write `shape`
        cls.words = {word: field for field, arg in reversed(cls.args.items()) for word in arg.words}
        if "keyword" in body:
            missing = [rule for rule in RULES if getattr(cls, rule) is getattr(Layer, rule)]
            if missing:
                raise TypeError(f"layer {cls.keyword} lacks {', '.join(missing)}")
        return cls


class Layer(metaclass=LayerType):
    """A layer with its arguments bound. Immutable by custom; equal to another with equal arguments, given alike."""

    __slots__ = ("_hash", "given", "values")

    keyword: ClassVar[str]
    #: The declared arguments, in order, and the argument that owns each option word.
    args: ClassVar[dict[str, Arg]]
    words: ClassVar[dict[str, str]]
    #: A merge takes several values, any other layer one.
    merges: ClassVar[bool] = False
    #: Whether it holds a matrix of weights (convolution, linear), as "weight layers" are counted.
    weighted: ClassVar[bool] = False
    #: What it does, in one word, as drawings colour it: one of `FAMILIES`.
    family: ClassVar[str] = "other"

    #: Whether PyTorch code calls a module or a function, which some counting tools tell apart.
    call: str = "module"

    values: tuple[object, ...]
    #: Names of the arguments that the spec gives; the others have their defaults.
    given: frozenset[str]

    def __init__(self, values: Mapping[str, object]) -> None:
        """`values` by argument, as the spec gives them; raises `LayerError` for those that do not fit."""
        read: dict[str, object] = {}
        for name, arg in self.args.items():
            if name in values:
                read[name] = arg.read(name, values[name])
            elif arg.default is REQUIRED:
                raise LayerError("missing-argument", f"{self.keyword} needs `{name}`: {arg.doc}", None,
                                 help=f"write `{self.keyword}({name}=…)`")
            elif not isinstance(arg.default, SameAs):
                read[name] = arg.default
        for name, arg in self.args.items():
            if name not in read and isinstance(arg.default, SameAs):
                read[name] = read[arg.default.name]
            setattr(self, f"{name}_" if name in RULES else name, read[name])
        self.values = tuple(read[name] for name in self.args)
        self.given = frozenset(values)
        self._hash = hash((self.keyword, self.values, self.given))
        self.validate()

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return type(self) is type(other) and self.values == other.values and self.given == other.given

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"{self.keyword}({', '.join(f'{k}={v!r}' for k, v in self.arguments().items())})"

    @classmethod
    def assign(cls, positional: Sequence[object]) -> list[str]:
        """The argument that each positional value goes to: a symbol to the argument that owns it, else in order.

        Raises `LayerError` with the value's index where there is one too many or an argument is given twice.
        """
        names: list[str] = []
        order = [name for name, arg in cls.args.items() if not arg.named_only]
        for index, value in enumerate(positional):
            free = [name for name in order if name not in names]
            if isinstance(value, Symbol) and value in cls.words:
                owner = cls.words[value]
                if owner in names:
                    raise LayerError("doubled-argument", f"{cls.keyword} gets `{owner}` twice", index)
                names.append(owner)
            elif names and cls.args[names[-1]].variadic:
                names.append(names[-1])
            elif free:
                names.append(free[0])
            else:
                takes = f"at most {len(order)}" if order else "no"
                raise LayerError("unknown-argument",
                                 f"{cls.keyword} takes {takes} positional arguments, not {len(positional)}", index)
        return names

    @classmethod
    def bind(cls, positional: Sequence[object], named: Mapping[str, object]) -> Layer:
        """The layer with these arguments; raises `LayerError` naming the one that does not fit."""
        values: dict[str, Any] = {}
        for index, (name, value) in enumerate(zip(cls.assign(positional), positional, strict=True)):
            if cls.args[name].variadic:
                values[name] = (*values.get(name, ()), value)
            elif name in values:
                raise LayerError("doubled-argument", f"{cls.keyword} gets `{name}` twice", index)
            else:
                values[name] = value
        for name, value in named.items():
            if name not in cls.args:
                raise LayerError("unknown-argument", f"{cls.keyword} has no argument `{name}`", name)
            if name in values:
                raise LayerError("doubled-argument", f"{cls.keyword} gets `{name}` twice", name)
            values[name] = value
        return cls(values)

    def arguments(self) -> dict[str, object]:
        """All arguments with their values, defaults included, in the order of the catalogue."""
        return dict(zip(self.args, self.values, strict=True))

    def validate(self) -> None:
        """Raise `LayerError` where the arguments contradict each other, whatever the input."""

    def per_axis(self, name: str, x: Shape) -> tuple[int, ...]:
        """A spatial argument as one number per axis of `x`."""
        value, rank = getattr(self, name), len(x) - 1
        if not isinstance(value, tuple):
            return (value,) * rank
        if len(value) != rank:
            raise LayerError("bad-argument", f"`{name}` of {self.keyword} has {len(value)} numbers, "
                             f"but its input {show(x)} has {rank} spatial {'axis' if rank == 1 else 'axes'}", name)
        return tuple(value)

    def needs_axes(self, x: Shape) -> None:
        """Raise `LayerError` where a flat vector enters a spatial layer."""
        if len(x) < 2:
            raise LayerError("flat-input", f"{self.keyword} needs spatial axes, but a flat vector of {x[0]:,} enters",
                             help="move it before the step that flattens (FC, FLATTEN), "
                             f"or bring axes back with `RESHAPE({x[0]}, 1, 1)`")

    # The rules. `x` is the shape that enters (merges get one per branch), `y` the one that leaves.

    def shape(self, *xs: Shape) -> Shape:
        """The shape that leaves; raises `LayerError` where what enters does not fit."""
        raise NotImplementedError  # the metaclass refuses a layer without the rule

    def params(self, *xs: Shape) -> tuple[Param, ...]:
        """What it learns."""
        raise NotImplementedError  # as above

    def buffers(self, *xs: Shape) -> tuple[Buffer, ...]:
        """What it keeps without learning."""
        raise NotImplementedError  # as above

    def work(self, y: Shape, *xs: Shape) -> Work:
        """What one image costs; the rule stands on `docs/conventions.md`."""
        raise NotImplementedError  # as above

    def reach(self, y: Shape, *xs: Shape) -> tuple[Reach, ...] | None:
        """Which inputs an output reads, per spatial axis of `y`; None where each reads all."""
        raise NotImplementedError  # as above

    def storage(self, y: Shape, *xs: Shape) -> str:
        """`FRESH`, `VIEW` or `IN_PLACE`."""
        raise NotImplementedError  # as above

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        """What autograd keeps in training, as in PyTorch's `derivatives.yaml`."""
        raise NotImplementedError  # as above

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        """How PyTorch computes it."""
        raise NotImplementedError  # as above

    # Facts with a default that is right for most layers.

    def scratch(self, y: Shape, *xs: Shape) -> Scratch:
        """What lives beside inputs and output while the layer runs, outside training."""
        return NO_SCRATCH

    def training(self, y: Shape, *xs: Shape) -> Training:
        """What training does otherwise; here, nothing: an input's gradient is a view where the output is one."""
        if self.storage(y, *xs) == VIEW:
            return Training(VIEW, gradients=(PASSED,), views=True)
        return Training(self.storage(y, *xs), forward=self.scratch(y, *xs))

    def order(self, y: Shape, *xs: Shape) -> str:
        """How the elements of a new output lie: `ROWS`, `CHANNELS_LAST`, `AS_FIRST` or `AS_ALL`."""
        return AS_FIRST

    def reads_row(self, y: Shape, *xs: Shape) -> int | None:
        """What it reads as one row of elements, by the first axis of it: `BATCH`, `IMAGE`, `CHANNEL`; None: nothing.

        Where elements do not lie so, a view becomes new memory, and any other layer makes a copy for itself. A layer
        that keeps the order of its input reads the `BATCH` in that order.
        """
        return None

    def gates(self, *xs: Shape) -> tuple[int, ...]:
        """Indices of the inputs that only scale the others (squeeze-and-excitation)."""
        return ()

    def meant(self, *xs: Shape) -> Shape | None:
        """After `shape` has raised: the shape that was probably meant, so that checking can go on."""
        return None

    def routine(self, y: Shape, *xs: Shape) -> Routine:
        """What kind of computation it is; here, one that moves values in its own way."""
        return Routine((self.keyword, MOVING))

    def unused_rows(self, y: Shape, *xs: Shape) -> tuple[int, ...]:
        """Per spatial axis, the rows at the input's end that no window reads; empty where there are no windows."""
        return ()

    def brief(self, rank: int = 2) -> str:
        """How a table row names it, on values of `rank` spatial axes: `CONV 3×3 /2`."""
        return self.keyword

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        """The arithmetic of its extents, parameters and MACs, for `explain`."""
        return ()


def show(shape: Shape) -> str:
    """A shape as specs write it: `64x112x112`."""
    return "x".join(map(str, shape))


def product(numbers: Sequence[int]) -> int:
    """The product of whole numbers; 1 for none."""
    result = 1
    for number in numbers:
        result *= number
    return result


def divisor_near(wanted: int, number: int) -> int:
    """A divisor of `number` to suggest instead of `wanted`: the next one below, or 1 where that is far away."""
    top = min(wanted, number)
    return next((n for n in range(top, max(top - 1000, 0), -1) if number % n == 0), 1)


class Weightless(Layer):
    """A family: nothing learned, nothing kept."""

    def params(self, *xs: Shape) -> tuple[Param, ...]:
        return ()

    def buffers(self, *xs: Shape) -> tuple[Buffer, ...]:
        return ()


class Pointwise(Layer):
    """A family: each output depends on the input at its place (and the channels there)."""

    def shape(self, *xs: Shape) -> Shape:
        return xs[0]

    def reach(self, y: Shape, *xs: Shape) -> tuple[Reach, ...] | None:
        return (POINT,) * (len(y) - 1)
