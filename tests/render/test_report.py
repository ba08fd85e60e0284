"""Reports as texts: small enough, whole, the same each time; with as many rows as there is room for."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from html.parser import HTMLParser

import pytest

import cnnspec
from cnnspec.analysis.lineup import Candidate, line_up
from cnnspec.analysis.lineup_measures import LATENCY, LOW, NEITHER, PREDICTED, SECONDS, Measure, front
from cnnspec.analysis.outline import ALL, Outline, outline
from cnnspec.analysis.summary import Summary
from cnnspec.render.compare_text import Shown
from cnnspec.render.report import environment
from cnnspec.render.report.choices import choices, closed, count
from cnnspec.render.report.compare_page import compare_html
from cnnspec.render.report.nested import listed, nested
from cnnspec.render.report.page import MOST_BYTES, sentence_html
from cnnspec.render.report.profile_page import profile_html
from cnnspec.render.report.summary_page import summary_html
from tests.render import profiles
from tests.zoo import zoo

#: The most layers, rows, wide branches.
LARGEST = ("densenet201", "efficientnet_b7", "efficientnet_v2_l", "convnext_large", "inception_v3", "regnet_y_128gf")
#: Elements that have no end.
VOID = {"meta", "link"}


class Elements(HTMLParser):
    """Whether every element ends where it should."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if self.open.pop() != tag:
            self.wrong.append(tag)


def summary(text: str) -> Summary:
    return cnnspec.parse(text, name="net.cnn").summary()


def made(found: Summary) -> str:
    return summary_html(found, "cnnspec summary net.cnn --report net.html")


def pictures(text: str) -> list[str]:
    """The SVG elements of a page."""
    return [f"<svg{part.partition('</svg>')[0]}</svg>" for part in text.split("<svg")[1:]]


@pytest.mark.parametrize("name", LARGEST)
def test_the_largest_networks_have_small_pages_that_are_well_formed(name: str) -> None:
    text = made(cnnspec.load(name).summary())
    assert len(text.encode()) <= MOST_BYTES
    found = Elements(text)
    assert (found.open, found.wrong) == ([], [])
    assert len(pictures(text)) == 7
    for picture in pictures(text):
        ET.fromstring(picture)  # noqa: S314  # our own


@pytest.mark.slow
@pytest.mark.parametrize("name", zoo())
def test_every_network_of_the_zoo_has_a_small_page(name: str) -> None:
    assert len(made(cnnspec.load(name).summary()).encode()) <= MOST_BYTES


def test_a_page_is_the_same_each_time() -> None:
    assert made(cnnspec.load("unet").summary()) == made(cnnspec.load("unet").summary())


def test_commands_in_sentences_are_code() -> None:
    assert sentence_html("`a <b>` and `c`") == "<code>a &lt;b&gt;</code> and <code>c</code>"
    assert sentence_html("it`s <b>") == "it`s &lt;b&gt;"


def test_nothing_in_a_page_is_fetched() -> None:
    text = made(cnnspec.load("unet").summary()).replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not [word for word in ("http:", "https:", "//cdn", "@import", "url(", "src=") if word in text]


def test_deep_networks_fold_until_they_fit() -> None:
    text = made(summary("INPUT(3x32x32) -> [CONV(8) -> RELU]*3000 -> FC(2)"))
    assert len(text.encode()) <= MOST_BYTES
    assert "[CONV 3×3 → RELU]</th>" not in text
    assert "[CONV 3×3 → RELU] ×3000" in text


#: Networks of thousands of layers: alike, all different, different within long turns, wide.
HUGE = {
    "repeated": "[CONV(8, 3, pad=1) -> BN -> RELU]*1500",
    "single": " -> ".join(f"CONV({8 + at % 7}, {1 + 2 * (at % 3)}) -> RELU" for at in range(1500)),
    "loop": f"[{' -> '.join(f'CONV({8 + at % 7}, 1)' for at in range(600))}]*3",
    "wide": f"ADD{{ {' | '.join(f'CONV(4, {1 + 2 * (at % 4)}, pad=same)' for at in range(800))} }}",
}


@pytest.mark.parametrize("depth", [None, ALL])
@pytest.mark.parametrize("name", HUGE)
def test_thousands_of_layers_have_small_pages(name: str, depth: int | None) -> None:
    found = summary(f"INPUT(3x32x32) -> {HUGE[name]} -> FC(2)")
    text = summary_html(found, "cnnspec summary net.cnn --report net.html", depth=depth)
    assert len(text.encode()) <= MOST_BYTES
    rows = text.count("<tr data-layers") + text.count('<tr class="group')
    assert ("--format csv</code> has them all." in text) == (rows < count(outline(found, depth)))


def test_what_is_cut_and_what_is_folded_is_said() -> None:
    text = made(summary(f"INPUT(3x32x32) -> {HUGE['single']} -> FC(2)"))
    assert "There is no drawing of it here" in text
    assert "These are the first 506 of 1,502 rows, more than a page holds" in text
    assert text.count("<tr data-layers") == 506
    assert "not shown: 1,441 rows with less, " in text
    folded = summary_html(summary(f"INPUT(3x32x32) -> {HUGE['repeated']}"), "cnnspec summary", depth=ALL)
    assert "--depth all has 6,001 rows, more than a page holds. Here they are folded; <code>cnnspec summary " in folded
    assert "[CONV 3×3 → BN → RELU] ×1500</th>" in folded


def test_more_networks_than_a_page_holds_are_said() -> None:
    found = cnnspec.load("lenet").summary()
    text = compare_html(Shown(line_up([Candidate(found, f"net{at}") for at in range(30)])), "cnnspec compare")
    assert "These are more networks than a page holds with their layers" in text


# ------------------------------------------------------------------------------------------------ profiles


def test_the_surroundings_of_a_profile_are_lines_to_read() -> None:
    sensors = {"mig": True, "temperature": 41, "power_limit": 700_000, "power": 81_400, "energy": 5, "sm_clock": 1980,
               "slowdowns": ["heat"]}
    device = {"name": "cuda:0", "memory": 139 << 30, "capability": [9, 0], "multiprocessors": 132, "sensors": sensors}
    packages = {"torch": "2.13.0", "rich": "15.0", "click": "8.5"}
    assert dict(environment.lines(profiles.environment(cuda=True, device=device, packages=packages))) == {
        "measured": ["2026-11-21 10:00:00 UTC", "cnnspec 0.1.0, Python 3.11.7, Linux 6.1 x86_64"],
        "PyTorch": ["2.13.0+cu130, built for CUDA 13.0, cuDNN 9.12.0", "8 threads",
                    "deterministic algorithms off, cuDNN's benchmark off"],
        "processor": ["Abacus 3", "8 cores, 16 hardware threads, 16 of them allowed",
                      "32.0 GiB of memory, load 0.5 before"],
        "device": ["cuda:0, driver 580.65.06", "139.0 GiB of memory, 132 multiprocessors, compute capability 9.0",
                   "before the run 41 °C, 81 W, limit 700 W, 1,980 MHz", "clocks held down by heat",
                   "an instance of a GPU that is split (MIG)"],
        "packages": ["rich 15.0, click 8.5"],
    }


def test_of_surroundings_what_is_not_known_is_left_out() -> None:
    nothing = {"unavailable": "the system does not say"}
    cpu = {"model": "", "physical": nothing, "logical": 1, "allowed": nothing, "memory": nothing, "load": None}
    found = dict(environment.lines(profiles.environment(cpu=cpu, device={"name": "cpu"}, packages={}, threads=1)))
    assert [*found] == ["measured", "PyTorch", "processor"]
    assert found["PyTorch"][:2] == ["2.13.0, built for the CPU", "1 thread"]
    assert found["processor"] == ["1 hardware thread"]
    assert [*environment.lines({})] == []


def test_no_page_of_a_profile_has_raw_data() -> None:
    text = "".join(profile_html(page, "cnnspec profile") for page, _ in profiles.PAGES.values())
    said = text.partition("<main")[2].partition('id="environment"')[2]
    assert "2026-11-21 10:00:00 UTC" in said
    assert not [raw for raw in ("unavailable", "{&#x27;", "{'", "None", "+00:00") if raw in text.replace(":none", "")]


# --------------------------------------------------------------------------------------------- comparisons


def weighed(further: Sequence[Measure] = (), by: Sequence[str] = ()) -> list[str]:
    """What the charts of a comparison's report weigh."""
    lineup = line_up([Candidate(cnnspec.load(name).summary(), name) for name in ("lenet", "alexnet")], further)
    asked = front([lineup.measure(name) for name in by]) if by else None
    text = compare_html(Shown(lineup, front=asked), "cnnspec compare lenet alexnet")
    section = text.partition('<section id="pareto">')[2].partition("</section>")[0]
    return [caption.partition("</b>")[0] for caption in section.split("<figcaption><b>")[1:]]


def seconds(name: str, values: tuple[float | None, ...] = (1e-3, 2e-3), better: str = LOW) -> Measure:
    return Measure(name, name, "", SECONDS, better, values, bounds=better == NEITHER)


def test_latencies_are_weighed_where_they_are_known() -> None:
    assert weighed() == ["parameters against MACs", "inference peak against MACs"]
    assert weighed([seconds(PREDICTED)]) == ["parameters against predicted", "inference peak against predicted"]
    both = [seconds(PREDICTED), seconds(LATENCY)]
    assert weighed(both) == ["parameters against latency", "inference peak against latency"]


def test_bounds_and_single_latencies_are_not_weighed() -> None:
    assert weighed([seconds(PREDICTED, better=NEITHER)]) == weighed([seconds(LATENCY, (1e-3, None))]) == weighed()


def test_each_measure_that_is_asked_for_is_weighed_against_the_first() -> None:
    assert weighed(by=["params", "macs", "weights"]) == ["MACs against parameters", "weights against parameters"]


# -------------------------------------------------------------------------------------------------- nesting


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "densenet121", "inception_v3", "unet", "mobilenet_v3_small"])
def test_rows_below_a_row_are_its_layers(name: str) -> None:
    found = cnnspec.load(name).summary()
    entries = next(choices(found, None, 10_000)).entries
    for one in listed(entries):
        below = [index for entry in one.entry.below for index in entry.row.indices]
        assert not below or sorted(below) == sorted(one.entry.row.indices)
    leaves = [[*one.entry.row.indices] for one in listed(entries) if not one.entry.below]
    assert sorted(leaves) == [[layer.index] for layer in found.layers]
    shown = [row for row, _ in outline(found).walk()]
    assert sum(len(one.entry.below) if one.entry.open else 0 for one in listed(entries)) + len(entries) == len(shown)


def test_choices_are_ever_fewer_rows_and_the_last_is_the_summary_itself() -> None:
    found = cnnspec.load("efficientnet_b0").summary()
    counts = [sum(1 for _ in listed(rows.entries)) for rows in choices(found, None, 10_000)]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == len([*outline(found).walk()]) == sum(1 for _ in listed(closed(found, 10_000).entries))
    few = [sum(1 for _ in listed(rows.entries)) for rows in choices(found, None, 100)]
    assert few == [count for count in counts if count <= 100]


def test_what_is_open_at_first_gives_way_before_rows_do() -> None:
    found = cnnspec.load("densenet121").summary()
    opened, *_, last = choices(found, ALL, 1200)
    assert (opened.note, last.note.partition(",")[0]) == ("", f"--depth all has {count(outline(found, ALL))} rows")
    assert sum(1 for _ in listed(last.entries)) == count(outline(found))


def test_a_table_that_is_cut_has_the_first_rows() -> None:
    found = summary(f"INPUT(3x32x32) -> {HUGE['single']} -> FC(2)")
    tables = [*choices(found, None, 1000)]
    assert [len(rows.entries) for rows in tables] == [1000, 750, 562, 421, 315, 236, 177, 132]
    assert all(rows.entries == tables[0].entries[:len(rows.entries)] for rows in tables)
    assert closed(found, 40) == next(choices(found, None, 100))


def test_a_row_that_reaches_beyond_another_stays_away() -> None:
    found = cnnspec.load("vgg16").summary()
    shown = outline(found)
    assert [entry.below for entry in nested(shown, Outline((), 0)) if not entry.open] == [()] * 4
