"""Drawings of the whole zoo, of random networks and of wilful ones: all is there, and nothing over anything else."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnnspec import load, parse
from cnnspec.analysis.diagram import ALL, Diagram, diagram
from cnnspec.analysis.summary import Summary
from cnnspec.net import Net
from cnnspec.render import palette, units
from cnnspec.render.draw import sizes, svg, words
from cnnspec.render.draw.picture import Picture, PlacedBox, picture
from tests.language.test_random import nets
from tests.render.drawings import ends_at_boxes, faults, parsed, texts
from tests.zoo import zoo

SVG = "{http://www.w3.org/2000/svg}"

#: References across forks and out of them, heads within branches, outputs on the way, two inputs, merges of merges.
WILFUL = {
    "columns": "INPUT(8x8x8) -> CONCAT{ CONV(8) as a -> RELU -> CONV(8) | CONV(8) -> ADD{ @a | ID } -> CONV(8) "
    "| CONV(2) | @a -> CONV(3) } -> FC(2)",
    "deep": "INPUT(8x8x8) -> CONV(8) as s -> CONCAT{ CONV(8) -> ADD{ CONV(8) as b -> BN -> CONV(8) "
    "| CONV(8) -> TANH -> ADD{ CONV(8) as c | CONV(8) as d -> TANH | ID } | ID } | CONV(8) as e "
    "| CONV(8) -> ADD{ ID | @s } -> ADD{ CONV(8) | ADD{ CONV(8) | ADD{ CONV(8) | CONV(8) | @b } | ID } | TANH } } "
    "-> CONV(8) -> ADD{ ID | @b | @c | @d | @e | @s } "
    "-> ADD{ CONV(8) -> ADD{ @d | ID } -> CONV(8) | CONV(8) | CONV(8) -> ADD{ ID | @c } -> TANH } -> FC(2)",
    "heads": "block head(k) = GAP -> FC(k) -> OUTPUT(aux[k]); ID\n"
    "net n = INPUT(3x32x32) -> CONV(8) as a -> head(3) -> head(4) -> CONV(8) "
    "-> ADD{ head(5) -> CONV(8) as q | CONV(8) -> head(6) -> CONV(8) | ADD{ ID | CONV(8) -> head(10) } } "
    "-> ADD{ ID | @a | @q } -> head(7) -> CONV(4) -> ADD{ ID | CONV(4) -> head(9) } -> CONV(2) as z -> head(8)",
    "outputs": "block o(k) = OUTPUT(p[k]); ID\nnet n = INPUT(3x32x32) -> CONV(8) -> o(1) -> CONV(8) -> o(2) -> o(3) "
    "-> ADD{ CONV(8) -> o(4) | CONV(8) -> o(5) } -> FC(2)",
    "inputs": "net n = INPUT(3x8x8) as a -> CONV(8) as x; INPUT(3x8x8) as b -> CONV(8) -> ADD{ ID | @x } "
    "-> ADD{ ID | @a -> CONV(8) } -> FC(2)",
    "names": f"block {'b' * 300}(c) = CONV(c) -> RELU -> CONV(c)\n"
    f"net n = INPUT(8x8x8) -> [{'b' * 300}(8) as {'x' * 200}]*3 "
    f"-> ADD{{ ID | {'b' * 300}(8) -> OUTPUT({'o' * 200}) }} -> FC(2)",
}


def drawn(net: Net, depth: int | None = None, size_by: str = "macs") -> Picture:
    summary = net.summary()
    return picture(summary, diagram(summary, depth), size_by)


def wrong(shown: Diagram, placed: Picture) -> list[str]:
    """What a picture lacks of a diagram, and what is out of its place."""
    edges = {(edge.source, edge.target) for edge in shown.edges}
    lines = {(line.source, line.target) for line in placed.lines if line.target is not None}
    ends = sorted((end.source, units.shape(end.shape)) for end in shown.ends)
    leaving = sorted((line.source, line.shape) for line in placed.lines if line.target is None)
    found = [] if edges == lines else [f"edges {edges ^ lines} are lost or made up"]
    found += [] if ends == leaving else [f"ends {ends} are drawn as {leaving}"]
    found += [] if {each.box for each in placed.boxes} == {*shown.boxes} else ["boxes are lost"]
    return [*found, *ends_at_boxes(placed), *faults(placed)]


def check(summary: Summary, *depths: int | None) -> None:
    for depth in depths:
        shown = diagram(summary, depth)
        assert wrong(shown, picture(summary, shown)) == [], depth


@pytest.mark.parametrize("name", zoo())
def test_everything_has_a_place_of_its_own(name: str) -> None:
    check(load(name).summary(), None, 0, 1, ALL)


@pytest.mark.parametrize("name", WILFUL)
def test_lines_find_a_way_out_of_any_nesting(name: str) -> None:
    check(parse(WILFUL[name]).summary(), None, *range(7), ALL)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(nets())
def test_random_networks_are_drawn_without_a_fault(net: Net) -> None:
    check(net.summary(), None, 1, ALL)


@pytest.mark.parametrize("name", zoo())
def test_every_net_is_drawn_within_a_second(name: str) -> None:
    summary = load(name).summary()
    for depth in (None, ALL):
        start = time.process_time()
        svg(summary, depth=depth)
        assert time.process_time() - start < 1


# ---------------------------------------------------------------------------- the checks find what is wrong


def with_box(placed: Picture, key: int, **changes: float) -> Picture:
    boxes = [box.replace(**changes) if box.box.key == key else box for box in placed.boxes]
    return placed.replace(boxes=tuple(boxes))


def test_a_box_over_another_is_found() -> None:
    placed = drawn(load("lenet"))
    moved = with_box(placed, 2, y=placed.boxes[1].y + 10)
    assert "box 1 over box 2" in faults(moved)


def test_a_line_through_a_box_is_found() -> None:
    placed = drawn(load("lenet"))
    first, *rest = placed.lines
    through = first.replace(points=(first.points[0], (first.points[0][0], placed.boxes[3].y + 5)))
    found = faults(placed.replace(lines=(through, *rest)))
    assert "line 0-1 through box 1" in found
    assert "line 0-1 through box 2" in found
    assert [*ends_at_boxes(placed.replace(lines=(through, *rest)))] == ["line 0-1 leaves or ends beside box 1"]


def test_a_text_over_another_or_on_a_line_or_outside_is_found() -> None:
    placed = drawn(load("lenet"))
    shape = next(text for text in placed.texts if text.content == "6×28×28")
    others = tuple(text for text in placed.texts if text is not shape)

    def found(x: float, y: float) -> str:
        return "\n".join(faults(placed.replace(texts=(*others, shape.replace(x=x, y=y)))))

    assert "over text 14 '6×28×28'" in found(placed.boxes[1].texts[0].left, placed.boxes[1].texts[0].y)
    assert "line 1-2 through text" in found(shape.x - 20, shape.y)
    assert "6×28×28' is outside" in found(placed.width - 5, shape.y)


def test_lanes_on_each_other_are_found() -> None:
    placed = drawn(load("unet"))
    skips = [line for line in placed.lines if len(line.points) == 4]
    assert len(skips) == 4
    lane = skips[0].points[1][0]
    moved = tuple(
        line.replace(points=(line.points[0], (lane, line.points[1][1]), (lane, line.points[2][1]), line.points[3]))
        if line in skips else line for line in placed.lines
    )
    assert any(" along " in fault for fault in faults(placed.replace(lines=moved)))
    assert faults(placed) == []


def test_a_text_that_its_box_is_too_narrow_for_is_found() -> None:
    placed = drawn(load("lenet"))
    assert any("is wider than what it is in" in fault for fault in faults(with_box(placed, 1, width=40)))


# ---------------------------------------------------------------------------------------------- areas


@pytest.mark.parametrize("size_by", ["macs", "params"])
@pytest.mark.parametrize("name", ["lenet", "vgg16", "resnet50", "unet", "densenet201"])
def test_areas_are_as_the_figures_where_larger_than_the_text(name: str, size_by: str) -> None:
    placed = drawn(load(name), size_by=size_by)
    grown = []
    for box in placed.boxes:
        figure = sizes.work(box.box, size_by) * placed.scale
        area = box.width * box.height
        if figure > box.least:
            assert area == pytest.approx(figure)
            grown.append(area)
        else:
            assert area == pytest.approx(box.least)
    assert grown
    assert max(grown) <= sizes.LARGEST * 1.001


def test_vgg_is_balanced() -> None:
    """The heaviest box stands out, and the light ones can still be read."""
    areas = [box.width * box.height for box in drawn(load("vgg16")).boxes]
    assert 2 < max(areas) / min(areas) < 12


def test_a_net_without_work_has_no_note_on_areas() -> None:
    placed = drawn(parse("INPUT(4x8x8) -> RELU -> POOL(2)"))
    assert placed.scale == 0
    assert not any("area" in text.content for text in placed.texts)


# ------------------------------------------------------------------------------------------ what is shown


def boxes_of(markup: str) -> list[ET.Element]:
    return [group for group in parsed(markup).iter(f"{SVG}g") if group.get("class", "").startswith("box ")]


@pytest.mark.parametrize("name", ["lenet", "resnet50", "inception_v3", "wavenet", "densenet201", "deeplabv3"])
def test_boxes_tell_their_row_and_name_their_layers(name: str) -> None:
    summary = load(name).summary()
    shown = diagram(summary)
    groups = boxes_of(svg(summary))
    assert len(groups) == len(shown.boxes)
    by_layers = {",".join(f"{r.start}:{r.stop}" for r in box.row.layers): box for box in shown.boxes}
    for group in groups:
        box = by_layers.pop(group.get("data-layers", ""))
        told = group.findtext(f"{SVG}title") or ""
        assert f"output {units.shape(box.row.output)}" in told
        assert (f"parameters {units.count(box.row.params)}" in told) == (box.row.params > 0)
        assert (f"MACs {units.scaled(box.row.macs)}" in told) == (box.row.macs > 0)
        assert (f"memory {units.size(box.row.activation_bytes)}" in told) == (box.row.activation_bytes > 0)
        assert ("receptive field" in told) == (summary.layers[box.row.last].node.inputs != ())
        assert group.get("class") == f"box {box.family}"
    assert by_layers == {}


def test_the_heading_has_the_totals_and_the_legend_what_occurs() -> None:
    said = [text.content for text in drawn(load("vgg16")).texts]
    assert said[:2] == ["vgg16", "input 3×224×224 · 138,357,544 parameters · 15.47 GMACs"]
    assert said[2:6] == ["input", "convolution", "linear", "pooling"]
    assert said[-1] == "area: MACs, where larger than the text"
    assert drawn(load("vgg16"), size_by="params").texts[-1].content == "area: parameters, where larger than the text"


def test_shapes_stand_beside_lines_and_counts_in_boxes_and_frames() -> None:
    placed = drawn(load("resnet50"))
    said = [text.content for text in texts(placed)]
    assert said.count("256×56×56") >= 6
    assert {"×2", "×3", "×5"} <= {frame.badge.content for frame in placed.frames if frame.badge}
    assert {box.badge.content for box in drawn(load("vgg16")).boxes if box.badge} == {"×2", "×3"}


def test_what_only_a_further_output_reads_hangs_beside() -> None:
    placed = drawn(load("inception_v3"))
    box = {each.box.key: each for each in placed.boxes}
    head, grid = box[37], box[41]
    assert head.x > max(each.x + each.width for key, each in box.items() if not 37 <= key <= 40)
    assert head.y < grid.y + grid.height
    assert "aux" in [text.content for text in placed.texts]


def test_an_identity_branch_goes_straight_by_a_single_column() -> None:
    placed = drawn(parse("INPUT(8x8x8) -> CONV(8) -> ADD{ CONV(8) -> RELU -> CONV(8) | ID } -> FC(2)"), 1)
    by = next(line for line in placed.lines if (line.source, line.target) == (1, 3))
    main = next(box for box in placed.boxes if box.box.key == 2)
    merge = next(box for box in placed.boxes if box.box.key == 3)
    assert main.x + main.width / 2 == merge.x + merge.width / 2
    assert max(x for x, _ in by.points) > main.x + main.width
    assert by.points[-1][0] == merge.x + merge.width


def test_long_labels_break_before_arrows_and_say_all_in_the_tooltip() -> None:
    net = parse("INPUT(8x8x8) -> ADD{ CONV(64, 3) -> BN -> LEAKYRELU(0.2) -> HARDSWISH -> CONV(8) -> BN | ID }")
    box = next(box for box in drawn(net, 1).boxes if len(box.texts) > 1)
    assert [text.content[:1] for text in box.texts] == ["C", *["→"] * (len(box.texts) - 1)]
    assert any("CONV 3×3 → BN → LEAKYRELU" in (group.findtext(f"{SVG}title") or "")
               for group in boxes_of(svg(net.summary(), depth=1)))


# ------------------------------------------------------------------------------------------------- markup


@pytest.mark.parametrize("name", zoo())
def test_svgs_parse_and_ask_for_nothing(name: str) -> None:
    markup = svg(load(name).summary())
    root = parsed(markup)
    width, height = map(float, root.get("viewBox", "").split(" ")[2:])
    assert (float(root.get("width", "")), float(root.get("height", ""))) == (width, height)
    for each in root.iter():
        assert not {"href", "{http://www.w3.org/1999/xlink}href", "src"} & each.attrib.keys()
    assert "url(" not in markup
    assert "<script" not in markup


def test_hostile_names_are_but_text() -> None:
    name = "<script>alert(\"1\")</script>&amp;'\x00\x1b[31m\u202e]]>"
    summary = load("unet").summary().replace(name=name)
    shown = diagram(summary).replace(name=name)
    root = parsed(svg(summary.replace(name=name)))
    assert not [each for each in root.iter() if "script" in each.tag]
    said = [text.content for text in picture(summary, shown).texts]
    assert "<script>alert(\"1\")</script>&amp;'" in said[0]
    assert not {"\x00", "\x1b", "\u202e"} & {*said[0]}
    assert not {"\x00", "\x1b", "\u202e"} & {*"".join(root.itertext())}


def test_a_very_long_name_is_shortened() -> None:
    summary = load("lenet").summary().replace(name="n" * 5000)
    placed = picture(summary, diagram(summary).replace(name="n" * 5000))
    assert placed.width < 1500
    assert faults(placed) == []


def test_both_tones_are_there_and_scoped() -> None:
    markup = svg(load("vgg16").summary())
    style = parsed(markup).findtext(f"{SVG}style") or ""
    light, dark = style.split("@media screen and (prefers-color-scheme: dark)")
    for family in ("input", "convolution", "linear", "pooling"):
        assert f'fill="{palette.FILLS[family].light}"' in markup
        assert palette.FILLS[family].dark in dark
    assert palette.MARK.light in light
    rules = [line for line in style.splitlines() if "{" in line and not line.startswith("@")]
    assert all(line.startswith(".cnnspec-drawing ") for line in rules)


def test_a_part_of_a_page_has_no_ground_and_the_width_that_there_is() -> None:
    summary = load("lenet").summary()
    alone, within = parsed(svg(summary)), parsed(svg(summary, standalone=False))
    assert next(each.get("class") for each in alone if each.tag == f"{SVG}rect") == "page"
    assert "page" not in [each.get("class") for each in within]
    assert within.get("width") == "100%"
    assert within.get("style", "").startswith(f"max-width:{alone.get('width')}px")


def test_lines_of_a_label_are_even_and_what_does_not_fit_is_shortened() -> None:
    assert words.listed("bneck(3, 16, 16, off, RELU, 1)", 28, 2) == ["bneck(3, 16, 16,", "off, RELU, 1)"]
    assert words.broken("CONV 3×3 → BN", 24, 5) == ["CONV 3×3 → BN"]
    assert words.broken("a" * 30 + " → b", 12, 5) == ["a" * 11 + "…", "→ b"]
    assert words.broken(" → ".join("abcdefgh"), 5, 2) == ["a → b", "→ c …"]
    assert words.shortened("漢字漢字", 5) == "漢字…"
    assert words.listed("bneck(3, 16, 16, off, RELU, 1)", 12, 2) == ["bneck(3, 16,", "16, off, …)"]


@pytest.mark.parametrize(("text", "most", "shown"), [
    ("bottleneck(64, stride=2)", 19, "bottleneck(64, …)"),
    ("inception(conv_bn, 3)", 14, "inception(…)"),
    ("block(1, (2, 3), 4)", 15, "block(1, (…))"),
    ("[CONV 3×3 → RELU]", 13, "[CONV 3×3…]"),
    ("64, 96, 128, 16)", 12, "64, 96, …)"),
    ("CONV 3×3 → BN → RELU", 13, "CONV 3×3 → B…"),
    ("bottleneck(64)", 8, "bottlen…"),
    ("(((((a)))))", 3, "(…)"),
    ("a)))))", 3, "…"),
])
def test_what_is_shortened_closes_its_brackets(text: str, most: int, shown: str) -> None:
    assert words.shortened(text, most) == shown


@given(st.text("ab ()[], →", max_size=30), st.integers(1, 20))
def test_what_is_shortened_fits_and_opens_nothing_that_it_does_not_close(text: str, most: int) -> None:
    shown = words.shortened(text, most)
    assert words.columns(shown) <= most
    assert shown in (text, "…") or words.closing(shown) == words.closing(text)
    assert words.columns("e\N{COMBINING ACUTE ACCENT}") == 1


def test_texts_fit_their_boxes_with_the_widths_that_are_counted_on() -> None:
    box: PlacedBox = drawn(load("vgg16")).boxes[1]
    assert box.texts[0].width == pytest.approx(len(box.texts[0].content) * palette.CHARACTER * sizes.TEXT)
