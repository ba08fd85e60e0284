"""How values lie in memory: orders and gaps by hand, what each layer hands on, and what it copies."""

from __future__ import annotations

import pytest

import cnnspec
from cnnspec.analysis.layout import Layouts, channels_last, is_channels_last, rows, step
from cnnspec.analysis.storage import storages
from cnnspec.layers.base import Shape

ROWS, LAST = rows((4, 6, 8)), channels_last((4, 6, 8))


def test_rows_and_channels_last() -> None:
    assert rows((10,)) == (10, 1)
    assert ROWS == (192, 48, 8, 1)
    assert LAST == (192, 1, 32, 4)
    assert rows((2, 3, 4, 5)) == (120, 60, 20, 5, 1)


@pytest.mark.parametrize(("shape", "strides", "expected"), [
    ((4, 6, 8), ROWS, False),
    ((4, 6, 8), LAST, True),
    ((2, 6, 8), LAST, True),  # some of the channels
    ((4, 2, 3), LAST, True),  # a part of the picture
    ((4, 1, 1), (4, 1, 1, 1), False),  # one position in rows,
    ((4, 1, 1), (4, 1, 4, 4), True),  # and channels last, in the same memory
    ((1, 6, 8), (48, 48, 8, 1), False),  # one channel in rows,
    ((1, 6, 8), (48, 1, 8, 1), True),  # and channels last
    ((1, 1, 1), (1, 1, 1, 1), False),
    ((4, 48), (192, 1, 4), False),  # only pictures have the order
    ((4, 2, 3, 8), (192, 1, 96, 32, 4), False),
])
def test_channels_last_as_pytorch_sees_it(shape: Shape, strides: tuple[int, ...], expected: bool) -> None:
    assert is_channels_last(shape, strides) is expected


@pytest.mark.parametrize(("extents", "strides", "expected"), [
    ((4, 6, 8), (48, 8, 1), 1),
    ((4, 6, 8), (60, 8, 1), None),
    ((6, 8), (32, 4), 4),  # the positions of a channel, channels last
    ((1, 6, 1, 8), (7, 8, 5, 1), 1),  # extents of 1 have no say
    ((4, 1), (10, 1), 10),
    ((1, 1), (5, 5), 1),
    ((), (), 1),
])
def test_axes_that_can_become_one(extents: Shape, strides: tuple[int, ...], expected: int | None) -> None:
    assert step(extents, strides) == expected


SHARES, COPIES = True, False

# steps behind INPUT(4x6x8); the strides that leave; whether the value lies in the memory of the one before
HANDED_ON = [
    ("LN", LAST, COPIES),
    ("LN(over=all)", ROWS, COPIES),
    ("SLICE(0, 2)", ROWS, SHARES),
    ("SLICE(1, 4) -> CROP(4)", ROWS, SHARES),
    ("CROP(4) -> DROPOUT -> OUTPUT(a)", ROWS, SHARES),
    ("CROP(4) -> SIGMOID", rows((4, 4, 4)), COPIES),
    ("CROP(4) -> CONV(5, 1)", rows((5, 4, 4)), COPIES),
    ("LN -> CROP(4)", LAST, SHARES),
    ("LN -> CROP(4) -> GELU", channels_last((4, 4, 4)), COPIES),
    ("LN -> SLICE(0, 2) -> POOL(2)", channels_last((2, 3, 4)), COPIES),
    ("LN -> CONV(5, 1) -> BN", channels_last((5, 6, 8)), COPIES),
    ("LN -> CONV(5, 3, pad_mode=circular)", rows((5, 6, 8)), COPIES),
    ("LN -> PAD(1, reflect)", channels_last((4, 8, 10)), COPIES),
    ("LN -> PAD(1, circular)", rows((4, 8, 10)), COPIES),
    ("LN -> PIXELSHUFFLE(2)", channels_last((1, 12, 16)), COPIES),
    ("LN -> SHUFFLE(2)", ROWS, COPIES),
    ("LN -> SHUFFLE(1)", LAST, SHARES),
    ("LN -> SOFTMAX", ROWS, COPIES),
    ("LN -> GN(2)", LAST, COPIES),
    ("LN -> IN", ROWS, COPIES),
    ("LN -> REDUCE(mean, channels)", rows((1, 6, 8)), COPIES),
    ("LN -> GAP", (4, 1, 4, 4), COPIES),
    ("LN -> FLATTEN", rows((192,)), COPIES),
    ("LN -> SLICE(0, 1) -> FLATTEN", (192, 4), SHARES),
    ("SLICE(0, 2) -> FLATTEN", (192, 1), SHARES),
    ("SLICE(0, 2) -> RESHAPE(4, 4, 6)", (192, 24, 6, 1), SHARES),
    ("CROP(4) -> RESHAPE(8, 8)", rows((8, 8)), COPIES),
    ("CROP(6x4) -> FLATTEN", rows((96,)), COPIES),
    ("CROP(2x8) -> FLATTEN", rows((64,)), COPIES),
    ("SLICE(0, 1) -> CROP(2x8) -> FLATTEN", (192, 1), SHARES),
    ("ADD{ LN -> SIGMOID | ID }", LAST, COPIES),
    ("ADD{ ID | LN }", ROWS, COPIES),
    ("MUL{ GAP | LN }", LAST, COPIES),  # the first of full extents
    ("CONCAT{ LN | ID }", rows((8, 6, 8)), COPIES),
    ("CONCAT{ LN | LN }", channels_last((8, 6, 8)), COPIES),
    ("STACK{ LN | LN }", rows((4, 2, 6, 8)), COPIES),
    ("CROP(4) -> RELU", rows((4, 4, 4)), COPIES),  # the caller's memory
    ("PAD(1) -> CROP(cut=1) -> RELU", (320, 80, 10, 1), SHARES),  # written over, gaps and all
]


@pytest.mark.parametrize(("steps", "strides", "shares"), HANDED_ON)
def test_what_a_layer_hands_on(steps: str, strides: tuple[int, ...], shares: bool) -> None:
    graph = cnnspec.parse(f"INPUT(4x6x8) -> {steps}").graph
    places = storages(graph)
    last = graph.nodes[graph.output]
    assert places.layouts.strides(last.index, last.shape) == strides
    assert (places.root[last.index] == places.root[last.inputs[0]]) is shares


def test_sequences_and_volumes_stay_in_rows() -> None:
    for shape in ((4, 9), (4, 5, 6, 7)):
        graph = cnnspec.parse(f"INPUT({'x'.join(map(str, shape))}) -> LN").graph
        assert storages(graph).layouts.strides(1, shape) == rows(shape)


@pytest.mark.parametrize(("steps", "batch", "elements"), [
    ("FC(2)", 3, 0),
    ("LN -> FC(2)", 3, 192),
    ("CROP(4) -> FC(2)", 3, 64),
    ("SLICE(0, 2) -> FC(2)", 3, 0),
    ("CROP(4) -> SOFTMAX(space)", 3, 64),
    ("LN -> SOFTMAX(space)", 3, 0),
    ("CROP(4) -> SOFTMAX", 3, 0),
    ("LN -> IN", 1, 192),
    ("SLICE(0, 2) -> IN", 1, 0),
    ("SLICE(0, 2) -> IN", 3, 96),  # a gap from image to image
    ("LN -> GN(2)", 3, 0),
    ("LN -> SLICE(0, 2) -> GN(2)", 3, 96),
    ("SLICE(0, 2) -> GN(2)", 1, 0),
    ("SLICE(0, 2) -> GN(2)", 3, 96),
    ("STACK{ CROP(4) | CROP(cut=(0, 2, 2, 2)) | UPSAMPLE(2) -> POOL(2) -> RESIZE(4) }", 3, 128),
])
def test_what_a_layer_copies(steps: str, batch: int, elements: int) -> None:
    graph = cnnspec.parse(f"INPUT(4x6x8) -> {steps}").graph
    assert storages(graph).layouts.copied(graph.nodes[graph.output], batch) == elements


def test_what_lies_in_rows_is_not_followed() -> None:
    layouts = Layouts()
    for node in cnnspec.load("resnet18").graph.nodes:
        layouts.follow(node)
    assert not layouts._strides  # that it is empty is what makes it fast
