"""Pictures of volumes of the whole zoo: sizes follow the shapes, no text covers anything, nothing is lost."""

import xml.etree.ElementTree as ET
from itertools import combinations
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnspec import load, parse
from cnnspec.analysis.diagram import Diagram, diagram
from cnnspec.analysis.outline import ALL
from cnnspec.analysis.summary import Summary
from cnnspec.render.draw.volumes import lettering, volumes
from cnnspec.render.draw.volumes.arcs import ranges
from cnnspec.render.draw.volumes.bodies import mixed
from cnnspec.render.draw.volumes.page import NUMBERS, page
from cnnspec.render.draw.volumes.placing import ROOM
from cnnspec.render.draw.volumes.scales import scale
from cnnspec.render.draw.volumes.stacks import scene
from cnnspec.render.palette import CHARACTER
from cnnspec.render.snippet import width
from tests.zoo import zoo

SVG = "{http://www.w3.org/2000/svg}"
Area = tuple[float, float, float, float]


def read(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314  # what is parsed is of our own making


class Drawn:
    """A picture, read back: texts and volumes with the areas that they take, all in the picture's own points."""

    def __init__(self, text: str) -> None:
        self.root = read(text)
        self.size = [float(number) for number in self.root.get("viewBox", "").split()[2:]]
        self.texts: list[tuple[str, Area]] = []
        self.volumes: list[tuple[ET.Element, Area]] = []
        #: Dotted lines from texts to volumes.
        self.leaders: list[Area] = []
        self._walk(self.root, 0.0, 0.0)

    def _walk(self, at: ET.Element, x: float, y: float) -> None:
        moved = at.get("transform")
        if moved:
            across, down = moved.removeprefix("translate(").removesuffix(")").split()
            x, y = x + float(across), y + float(down)
        if at.tag == f"{SVG}text":
            self.texts.append((at.text or "", _written(at, x, y)))
        if "volume" in (at.get("class") or "").split():
            corners = [tuple(map(float, corner.split(","))) for face in at.iter(f"{SVG}polygon")
                       for corner in face.get("points", "").split()]
            xs, ys = [corner[0] + x for corner in corners], [corner[1] + y for corner in corners]
            self.volumes.append((at, (min(xs), min(ys), max(xs), max(ys))))
        if at.get("class") == "leader":
            x1, y1, x2, y2 = (float(number) for number in at.get("d", "M").replace("L", " ")[1:].split())
            self.leaders.append((x + x1, y + min(y1, y2), x + x2, y + max(y1, y2)))
        for child in at:
            self._walk(child, x, y)

    def overlaps(self) -> list[tuple[str, str]]:
        """Texts that cover one another or a volume; leaders that run through either."""
        found = [(one, other) for (one, a), (other, b) in combinations(self.texts, 2) if _meet(a, b)]
        found += [(text, "a volume") for text, a in self.texts for _, b in self.volumes if _meet(a, b)]
        found += [(text, "a leader") for text, a in self.texts for b in self.leaders if _meet(a, b)]
        return found + [("a leader", "a volume") for a in self.leaders for _, b in self.volumes if _meet(a, b)]

    def outside(self) -> list[Area]:
        """What is not all within the picture."""
        (across, down), areas = self.size, [area for _, area in (*self.texts, *self.volumes)]
        return [area for area in areas if min(area) < 0 or area[2] > across or area[3] > down]


def _written(text: ET.Element, x: float, y: float) -> Area:
    """Where a text stands, whose letters are all of one width."""
    size = float(text.get("font-size", ""))
    across = width(text.text or "") * CHARACTER * size
    left = x + float(text.get("x", "")) - {"middle": across / 2, "end": across}.get(text.get("text-anchor") or "", 0.0)
    base = y + float(text.get("y", ""))
    return left, base - 0.75 * size, left + across, base + 0.2 * size


def _meet(a: Area, b: Area) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def check(summary: Summary, depth: int | None = None) -> Drawn:
    """Draw within a second, and look for whatever must not be."""
    start = process_time()
    text = volumes(summary, depth=depth)
    assert process_time() - start < 1
    drawn = Drawn(text)
    assert not drawn.overlaps()
    assert not drawn.outside()
    assert drawn.size[0] <= ROOM + 90
    made: Diagram = diagram(summary, 0 if depth is None else depth)
    shown = {index for group, _ in drawn.volumes for stretch in group.get("data-layers", "").split(",")
             for index in range(*map(int, stretch.split(":")))}
    assert shown == {layer.index for layer in summary.layers}
    assert len(drawn.volumes) == len(made.boxes)
    return drawn


@pytest.mark.parametrize("name", zoo())
def test_every_network_is_legible(name: str) -> None:
    summary = load(name).summary()
    drawn = check(summary)
    for opened in (1, 2):
        check(summary, opened)
    titles = [group.findtext(f"{SVG}title") for group, _ in drawn.volumes]
    assert all(title and "\noutput " in title for title in titles)


@pytest.mark.parametrize("name", ["lenet", "resnet50", "unet", "wavenet", "s3d", "googlenet_aux", "densenet121"])
def test_every_layer_of_its_own_is_legible(name: str) -> None:
    summary = load(name).summary()
    assert len(check(summary, ALL).volumes) == len(summary.layers)


def test_the_checks_see_what_overlaps_and_what_sticks_out() -> None:
    text = volumes(load("lenet").summary())
    assert not Drawn(text).overlaps()
    tight = read(text)
    for written in tight.iter(f"{SVG}text"):
        written.set("font-size", str(2 * float(written.get("font-size", ""))))
    spoilt = Drawn(ET.tostring(tight, encoding="unicode"))
    assert any(other != "a volume" for _, other in spoilt.overlaps())
    for written in tight.iter(f"{SVG}text"):
        written.set("y", "0")
    assert any(other == "a volume" for _, other in Drawn(ET.tostring(tight, encoding="unicode")).overlaps())
    moved = read(volumes(load("unet").summary()))
    for leader in moved.iter(f"{SVG}path"):
        if leader.get("class") == "leader":
            start, end = leader.get("d", "")[1:].split("L")
            leader.set("d", f"M{start}L{end.split()[0]} 0")
    assert ("a leader", "a volume") in Drawn(ET.tostring(moved, encoding="unicode")).overlaps()
    narrow = read(text)
    narrow.set("viewBox", "0 0 300 300")
    assert Drawn(ET.tostring(narrow, encoding="unicode")).outside()


# ------------------------------------------------------------------------------------------------- sizes


@given(st.lists(st.integers(1, 5000), min_size=2, max_size=6), st.lists(st.integers(1, 2000), min_size=2, max_size=6))
def test_heights_grow_with_the_resolution_and_widths_with_the_channels(channels: list[int], extents: list[int]) -> None:
    measure = scale([(c, n, n) for c in channels for n in extents])
    for few, many in combinations(sorted(set(channels)), 2):
        assert measure.size((few, 8, 8)).width < measure.size((many, 8, 8)).width
    for small, large in combinations(sorted(set(extents)), 2):
        assert measure.size((3, small, 8)).height < measure.size((3, large, 8)).height
        assert measure.size((3, 8, small)).depth < measure.size((3, 8, large)).depth
        assert measure.size((3, small)).height < measure.size((3, large)).height
        assert measure.size((small,)).height < measure.size((large,)).height


def test_three_extents_show_frames_as_depth() -> None:
    measure = scale([(3, 16, 112, 112)])
    many, few = measure.size((3, 16, 112, 112)), measure.size((3, 4, 112, 112))
    assert many.height == few.height > measure.size((3, 16, 56, 56)).height
    assert many.depth > few.depth


def test_small_and_large_both_show() -> None:
    measure = scale([(3, 224, 224), (2048, 7, 7), (4096,)])
    image, deep, flat = (measure.size(shape) for shape in ((3, 224, 224), (2048, 7, 7), (4096,)))
    assert min(image.width, deep.width, flat.width) >= 4
    assert min(image.height, deep.height, flat.height) >= 20
    assert max(image.height, deep.height, flat.height) <= 200


def test_drawn_volumes_have_these_sizes() -> None:
    summary = load("vgg16").summary()
    drawn = check(summary)
    measure = scale([box.row.output for box in diagram(summary, 0).boxes])
    first, area = drawn.volumes[0]
    assert first.get("class") == "volume input"
    wanted = measure.size((3, 224, 224))
    assert area[2] - area[0] == pytest.approx(wanted.width + wanted.dx, abs=0.02)
    assert area[3] - area[1] == pytest.approx(wanted.height + wanted.dy, abs=0.02)


# ------------------------------------------------------------------------------------------------ structure


Chains = list[list[tuple[tuple[int, ...], int]]]


def shapes(text: str) -> tuple[Chains, list[tuple[int, int]]]:
    """Chains as the shapes and the numbers of boxes of their stacks, and the links between stacks."""
    shown = scene(diagram(parse(text).summary(), 0))
    return ([[(stack.output, len(stack.boxes)) for stack in chain] for chain in shown.chains],
            [(link.source, link.target) for link in shown.links])


def test_boxes_of_one_shape_are_one_stack() -> None:
    assert shapes("INPUT(4x8x8) -> CONV(4) -> CONV(4, 5) -> POOL(2) -> FC(2)") == (
        [[((4, 8, 8), 1), ((4, 8, 8), 2), ((4, 4, 4), 1), ((2,), 1)]], [])


def test_skips_are_links_and_arcs() -> None:
    text = "INPUT(4x8x8) -> CONV(8) as a -> POOL(2) -> UPCONV(8, 2, stride=2) -> CONCAT{ ID | @a } -> CONV(2)"
    chains, links = shapes(text)
    assert [len(chain) for chain in chains] == [6]
    assert links == [(1, 4)]
    root = check(parse(text).summary()).root
    assert [group.findtext(f"{SVG}title") for group in root.iter(f"{SVG}g") if group.get("class") == "arc"] == ["8×8×8"]


def test_u_net_has_its_four_arcs_above_its_volumes() -> None:
    drawn = check(load("unet").summary())
    arcs = [group for group in drawn.root.iter(f"{SVG}g") if group.get("class") == "arc"]
    assert len(arcs) == 4
    assert not any(group.findall(f"{SVG}rect") for group in arcs)


def test_arcs_run_clear_of_volumes() -> None:
    for name in ("unet", "wavenet", "unet_572"):
        summary = load(name).summary()
        placed = page(diagram(summary, 0), summary).lines
        found = [(each, arc) for each in placed for arc in each.arcs]
        assert found
        for each, arc in found:
            for volume in each.line.volumes:
                if arc.link.source <= volume.stack.key <= arc.link.target:
                    assert arc.y < volume.top
        for each in placed:
            assert len({arc.y for arc in each.arcs}) == len(each.arcs)


def test_what_ends_elsewhere_stands_apart_and_is_numbered() -> None:
    text = ("block head = GAP -> FC(2) -> OUTPUT(aux); ID\n"
            "net n = INPUT(3x8x8) -> CONV(4) -> head -> CONV(8) -> GAP")
    chains, links = shapes(text)
    assert [chain[-1][0] for chain in chains] == [(8, 1, 1), (2,)]
    assert len(links) == 1
    drawn = check(parse(text).summary())
    assert [content for content, _ in drawn.texts if content == "1"] == ["1", "1"]
    assert [content for content, _ in drawn.texts if content == "▸ aux"] == ["▸ aux"]


def test_what_is_read_elsewhere_ends_its_stack() -> None:
    text = ("block head = GAP -> FC(2) -> OUTPUT(aux); ID\n"
            "net n = INPUT(4x8x8) -> CONV(4, 1) -> CONV(4, 3) -> head -> CONV(4, 5) -> CONV(4, 7) -> GAP")
    chains, links = shapes(text)
    assert [boxes for _, boxes in chains[0]] == [1, 2, 2, 1]
    assert links == [(1, 4)]
    skipped = "INPUT(4x8x8) -> CONV(4, 1) -> CONV(4, 3) as a -> CONV(4, 5) -> CONV(4, 7) -> CONCAT{ ID | @a }"
    assert shapes(skipped)[0][0][1:3] == [((4, 8, 8), 2), ((4, 8, 8), 2)]
    early = "net n = INPUT(4x8x8) -> CONV(4, 1) -> CONV(4, 3) -> OUTPUT(early) -> CONV(4, 5) -> FC(2)"
    assert [boxes for _, boxes in shapes(early)[0][0]] == [1, 2, 1, 1]


def test_numbers_are_explained_where_there_are_any() -> None:
    for name, told in (("googlenet_aux", True), ("unet", False)):
        drawn = check(load(name).summary())
        assert (NUMBERS in [content for content, _ in drawn.texts]) is told


def test_marks_name_neighbours_as_ranges() -> None:
    assert ranges([1, 2, 3, 5, 7, 8]) == "1–3,5,7–8"
    assert ranges([4]) == "4"


def test_two_inputs_have_no_arrow_between_them() -> None:
    text = "net n = INPUT(4x8x8) as x; INPUT(4x8x8) as y -> ADD{ ID | @x } -> CONV(2)"
    made = scene(diagram(parse(text).summary(), 0))
    assert [stack.follows for stack in made.chains[0]][:2] == [False, False]
    check(parse(text).summary())


def test_a_long_network_goes_on_in_a_further_line() -> None:
    steps = " -> ".join(f"CONV({count})" for count in range(8, 68))
    drawn = check(parse(f"INPUT(3x64x64) -> {steps} -> FC(10)").summary())
    rows = {group.get("transform") for group in drawn.root.iter(f"{SVG}g") if group.get("transform")}
    assert len(rows) > 2


def test_a_flat_network_is_drawn_in_bars() -> None:
    drawn = check(parse("INPUT(784) -> [FC(512) -> RELU]*2 -> FC(10)").summary())
    heights = [area[3] - area[1] for _, area in drawn.volumes]
    assert sorted(heights, reverse=True) == heights


# ---------------------------------------------------------------------------------------------------- texts


def test_hostile_names_stay_text() -> None:
    text = r"""
block b(s, c) = ADD{ CONV(c) -> BN | ID } -> RELU
net n = INPUT(4x8x8) -> b("<script>&\", 4) -> CONV(8) -> [b("]]><!--", 8) as q]*3 -> GAP -> FC(2)
"""
    summary = parse(text).summary().replace(name='<script>"]]>&\x00\x1b')
    for depth in (0, 1, ALL):
        drawn = check(summary, depth)
        assert not [*drawn.root.iter(f"{SVG}script")]
        assert drawn.texts[-1][0].startswith("height")
    titles = "".join(check(summary).root.itertext())
    assert r'b("<script>&\"' in titles
    assert '<script>"]]>&' in titles


def test_labels_break_between_words_and_keep_their_counts() -> None:
    assert lettering.broken("[CONV 3×3 → RELU] ×2", 14, 3) == ["[CONV 3×3", "→ RELU] ×2"]
    assert lettering.broken("inception(conv_bn, 3, 64, 96)", 14, 3) == ["inception(", "conv_bn, 3,", "64, 96)"]
    assert lettering.cut("bottleneck(256, s=2) ×5", 14) == "bottleneck… ×5"
    assert lettering.cut("[conv_bn(64) → RELU] ×12", 18) == "[conv_bn(64)…] ×12"
    assert lettering.broken("bottleneck(64, stride=2, groups=4)", 12, 2) == ["bottleneck(", "64, …)"]
    assert lettering.cut("→ ADAPTIVEPOOL", 3).endswith("…")


@given(st.text(max_size=60), st.integers(4, 30), st.integers(1, 4))
def test_lines_are_never_longer_than_allowed(text: str, most: int, lines: int) -> None:
    made = lettering.broken(text, most, lines)
    assert len(made) <= lines
    assert all(width(line) <= most for line in made)


def test_colours_mix() -> None:
    assert mixed("#000000", "#ffffff", 0.5) == "#808080"
    assert mixed("#b6dcff", "#2a7bd1", 0.0) == "#b6dcff"


def test_standalone_and_inline_differ_in_ground_and_size_only() -> None:
    summary = load("lenet").summary()
    alone, inline = read(volumes(summary)), read(volumes(summary, standalone=False))
    assert alone.find(f"{SVG}rect[@class='page']") is not None
    assert inline.find(f"{SVG}rect[@class='page']") is None
    assert inline.get("width") == "100%"
    assert alone.get("viewBox") == inline.get("viewBox")
    assert "href" not in volumes(summary)
    assert "url(" not in volumes(summary)
