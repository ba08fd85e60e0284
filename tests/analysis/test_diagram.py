"""Diagrams of the whole zoo, opened as far as they go: nothing is lost, nothing is told twice."""

from collections.abc import Iterator

import pytest

from cnnspec import load, parse
from cnnspec.analysis import labels
from cnnspec.analysis.diagram import ALL, BLOCK, MOST_BOXES, Box, Diagram, Element, Fork, Frame, diagram
from cnnspec.layers import LAYERS
from cnnspec.layers.base import FAMILIES
from tests.zoo import zoo


def boxes_in(elements: tuple[Element, ...]) -> Iterator[Box]:
    for element in elements:
        if isinstance(element, Box):
            yield element
        elif isinstance(element, Frame):
            yield from boxes_in(element.elements)
        else:
            for branch in element.branches:
                yield from boxes_in(branch.elements)
            yield element.merge


def drawn(text: str, depth: int | None = None) -> Diagram:
    return diagram(parse(text).summary(), depth)


def sketch(elements: tuple[Element, ...]) -> list[object]:
    """A diagram as nested lists of what stands in it."""
    found: list[object] = []
    for element in elements:
        if isinstance(element, Box):
            found.append(labels.text(element.row.label) + (f" ×{element.row.count}" if element.row.count > 1 else ""))
        elif isinstance(element, Frame):
            found.append((labels.text(element.label), element.count, sketch(element.elements)))
        else:
            ways = [branch.source if branch.source is not None else sketch(branch.elements)
                    for branch in element.branches]
            found.append({labels.text(element.merge.row.label): ways})
    return found


@pytest.mark.parametrize("name", zoo())
def test_every_layer_is_in_one_box_and_every_value_on_an_edge(name: str) -> None:
    summary = load(name).summary()
    for depth in (None, 0, 1, ALL):
        made = diagram(summary, depth)
        assert [box.key for box in boxes_in(made.elements)] == list(range(len(made.boxes)))
        homes: dict[int, int] = {}
        for box in made.boxes:
            for index in box.row.indices:
                assert index not in homes, "a layer in two boxes"
                homes[index] = box.key
        assert len(homes) == len(summary.layers)
        assert sum(box.row.params for box in made.boxes) == summary.totals.params
        assert sum(box.row.macs for box in made.boxes) == summary.totals.macs
        wanted = {(homes[read], homes[layer.index]) for layer in summary.layers for read in layer.node.inputs
                  if homes[read] < homes[layer.index]}
        assert {(edge.source, edge.target) for edge in made.edges} == wanted
        assert len(made.edges) == len(wanted)
        assert made.ends[0].shape == summary.output
        if depth is None:
            assert len(made.boxes) <= MOST_BOXES
        if depth == ALL:
            assert len(made.boxes) == len(summary.layers)


def test_a_fork_names_where_its_empty_branches_come_from() -> None:
    made = drawn("INPUT(8x8x8) -> CONV(8) as a -> RELU -> ADD{ CONV(8) -> BN | ID | @a } -> FC(2)", 1)
    assert sketch(made.elements) == [
        "INPUT", "CONV 3×3 → RELU", {"ADD": [["CONV 3×3 → BN"], 1, 1]}, "FC"]


def test_neighbours_that_are_alike_open_into_one_frame_that_reads_what_the_first_reads() -> None:
    made = drawn("block b(c) = ADD{ CONV(c) -> RELU -> CONV(c) | ID } -> RELU\n"
                 "net n = INPUT(4x8x8) -> CONV(4) -> [b(4)]*3 -> GAP", 1)
    assert sketch(made.elements) == [
        "INPUT", "CONV 3×3",
        ("b(4)", 3, [{"ADD": [["CONV 3×3 → RELU → CONV 3×3"], 1]}, "RELU"]), "GAP"]
    assert [(edge.source, edge.target) for edge in made.edges] == [(0, 1), (1, 2), (2, 3), (1, 3), (3, 4), (4, 5)]


def test_branches_that_are_alike_stand_as_one() -> None:
    made = drawn("INPUT(8x8x8) -> CONCAT{ for i in range(3): CONV(4) -> RELU } -> FC(2)", 1)
    assert sketch(made.elements) == ["INPUT", {"CONCAT": [["[CONV 3×3 → RELU] ×3"]]}, "FC"]


def test_turns_stand_in_frames_with_their_values() -> None:
    made = drawn("INPUT(3x32x32) -> [CONV(c) -> POOL(2)] for c in (8, 16) -> FC(2)", 0)
    assert sketch(made.elements) == [
        "INPUT", ("c=8", 1, ["CONV 3×3", "POOL max 2×2"]), ("c=16", 1, ["CONV 3×3", "POOL max 2×2"]), "FC"]


def test_further_outputs_are_ends() -> None:
    made = drawn("block head = GAP -> FC(2) -> OUTPUT(aux); ID\n"
                 "net n = INPUT(3x8x8) -> CONV(4) -> head -> CONV(8) -> GAP", 0)
    assert [(end.name, end.shape) for end in made.ends] == [("", (8, 1, 1)), ("aux", (2,))]
    assert made.ends[0].source == made.boxes[-1].key


def test_a_box_has_the_family_of_what_weighs() -> None:
    made = drawn("block b = ADD{ CONV(4) | ID }\nnet n = INPUT(4x8x8) -> CONV(4) -> BN -> RELU -> b -> POOL(2)", 0)
    assert [box.family for box in made.boxes] == ["input", "convolution", BLOCK, "pooling"]


def test_every_layer_of_the_catalogue_has_a_family() -> None:
    assert {layer.keyword for layer in LAYERS if layer.family == "other"} == set()
    assert {layer.family for layer in LAYERS} <= set(FAMILIES)


def test_forks_and_boxes_are_told_apart() -> None:
    made = diagram(load("inception_v3").summary(), 1)
    forks = [element for frame in made.elements if isinstance(frame, Frame) for element in frame.elements
             if isinstance(element, Fork)]
    assert [len(fork.branches) for fork in forks] == [4, 4, 3, 4, 4, 4, 3, 4]
