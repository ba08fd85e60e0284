"""Random specs: expansion never crashes, totals add up, a formatted spec is the same network, names are unique."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cnnspec
from cnnspec.analysis.check import check
from cnnspec.grammar import format_file, parse_file
from cnnspec.graph import applying
from cnnspec.layers import LAYERS
from cnnspec.limits import Limits
from cnnspec.source import Source
from tests.language import specs as parts
from tests.language.specs import specs

QUICK = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
MANY = settings(max_examples=2000, suppress_health_check=list(HealthCheck))
LIMITS = Limits(layers=2_000, turns=20_000, elements=20_000)

#: Words and signs that a hand may have slipped to.
SLIPS = [
    "", "->", "[", "]", "{", "}", "(", ")", "|", ";", "*", "?", ":", ",", "=", '"', "#", "\N{NO-BREAK SPACE}", "→",
    "0", "-1", "4.5", "10**9", "1/0", "3x3", "on", "C", "H", "x", "if", "else", "where", "net", "INPUT", "CONV",
    "CONVV(3)", "ADD{", "as x", "@x", "@start", "for i in range(2)", "let k = 3\n", "block b = b\n", "OUTPUT(a)",
    "FC(3) ->", "res(res)", "twice(twice)",
]


def parsed(text: str) -> cnnspec.Net | None:
    """The network of a random spec; None for one that is refused."""
    try:
        return cnnspec.parse(text, limits=LIMITS)
    except cnnspec.SpecError:
        return None


def content(net: cnnspec.Net) -> list[tuple[object, ...]]:
    """All that a network is, without the places in its text."""
    return [(layer.path, layer.op, layer.args, layer.input_shapes, layer.output_shape, layer.node.inputs)
            for layer in net.layers]


def nets() -> st.SearchStrategy[cnnspec.Net]:
    """Random networks that are not refused."""
    return specs().map(parsed).filter(bool)


def adds_up(net: cnnspec.Net) -> None:
    summary = net.summary()
    for name in ("params", "trainable_params", "buffers", "macs", "flops", "weight_bytes", "traffic_bytes"):
        assert getattr(summary.totals, name) == sum(getattr(layer, name) for layer in summary.layers)
    assert len({layer.path for layer in summary.layers}) == len(summary.layers)
    assert all(source < layer.index for layer in summary.layers for source in layer.node.inputs)


def stays_when_formatted(net: cnnspec.Net) -> None:
    file = net.target.module.file
    text = format_file(file)
    assert content(cnnspec.parse(text, limits=LIMITS)) == content(net)
    again, mistakes = parse_file(Source("again", text))
    assert not mistakes
    assert format_file(again) == text


def never_crashes(text: str, at: float, slip: str, cut: int) -> None:
    """A spec with something written over must be a network or be refused."""
    words = re.split(r"(\W)", text)
    place = int(at * len(words))
    broken = "".join([*words[:place], f" {slip} ", *words[place + cut:]])
    if parsed(broken) is None:
        assert any(found.severity == "error" for found in check(Source("<text>", broken), LIMITS))


SLIP = (specs(), st.floats(0, 1), st.sampled_from(SLIPS), st.integers(0, 4))


@QUICK
@given(nets())
def test_totals_add_up_and_names_are_unique(net: cnnspec.Net) -> None:
    adds_up(net)


@QUICK
@given(nets())
def test_a_formatted_spec_is_the_same_network(net: cnnspec.Net) -> None:
    stays_when_formatted(net)


@QUICK
@given(*SLIP)
def test_a_slip_of_the_hand_is_a_network_or_a_message(text: str, at: float, slip: str, cut: int) -> None:
    never_crashes(text, at, slip, cut)


@QUICK
@given(nets())
def test_blocks_that_are_replayed_are_what_expansion_makes(net: cnnspec.Net) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(applying, "call_key", lambda *_: None)
        assert content(cnnspec.parse(net.target.module.file.source.text, limits=LIMITS)) == content(net)


def test_the_random_specs_are_made_of_all_layers() -> None:
    steps = [*parts.KEEPING, *parts.SPATIAL, *parts.CHANGING, *parts.PICTURES, *parts.FLATTENING]
    text = " ".join([*steps, *parts.INPUTS.values(), *parts.MERGES, parts.BLOCKS, *SLIPS])
    assert {layer.keyword for layer in LAYERS} <= set(re.findall(r"\w+", text))


@pytest.mark.slow
@MANY
@given(nets())
def test_many_networks(net: cnnspec.Net) -> None:
    adds_up(net)
    stays_when_formatted(net)


@pytest.mark.slow
@MANY
@given(*SLIP)
def test_many_slips_of_the_hand(text: str, at: float, slip: str, cut: int) -> None:
    never_crashes(text, at, slip, cut)
