"""Reports of every kind, as texts, by name: networks of the zoo, alone and compared, and profiles that are made up."""

from __future__ import annotations

from functools import cache

import cnnspec
from cnnspec.analysis.lineup import Candidate, line_up
from cnnspec.analysis.lineup_measures import front
from cnnspec.analysis.rounds_measures import trained
from cnnspec.analysis.summary import Summary
from cnnspec.render.compare_text import Shown
from cnnspec.render.report.compare_page import compare_html
from cnnspec.render.report.profile_page import profile_html
from cnnspec.render.report.summary_page import summary_html
from tests.render import profiles
from tests.rounds import rival, rounds

#: A plain chain, folded blocks, wide branches, long skips; a run on a GPU, one of several batches, one that failed.
SUMMARIES = ("vgg16", "resnet50", "inception_v3", "unet")
PROFILES = ("cuda", "sweep", "all_failed", "troubled", "nothing")
#: Side by side, with a front that is asked for; below each other.
COMPARISONS = {
    "few": ("alexnet", "resnet18", "vgg16"),
    "many": ("alexnet", "resnet18", "vgg16", "unet", "lenet", "zfnet", "nin", "inception_v3"),
}
TRAINED = ("lenet", "alexnet", "resnet18")
ALL = (*SUMMARIES, *(f"profile-{name}" for name in PROFILES), *(f"compare-{name}" for name in COMPARISONS), "trained")


@cache
def summary(name: str) -> Summary:
    return cnnspec.load(name).summary()


@cache
def report(name: str) -> str:
    kind, _, case = name.partition("-")
    if kind == "profile":
        return profile_html(profiles.PAGES[case][0], f"cnnspec profile {case} --report {case}.html")
    if kind == "trained":
        return compare_html(learned(), f"cnnspec compare {' '.join(TRAINED)} --train stripes")
    if kind == "compare":
        return compare_html(compared(COMPARISONS[case]), f"cnnspec compare {' '.join(COMPARISONS[case])}")
    return summary_html(summary(name), f"cnnspec summary {name} --report {name}.html")


def compared(names: tuple[str, ...]) -> Shown:
    """Networks side by side, weighed by parameters and MACs."""
    lineup = line_up([Candidate(summary(name), name) for name in names])
    return Shown(lineup, front=front([lineup.measure("params"), lineup.measure("macs")]))


def learned() -> Shown:
    """Networks that were trained, one of them less than the others."""
    found = rounds(rival(TRAINED[0], [0.91, 0.92, 0.90]),
                   rival(TRAINED[1], [0.95, None, 0.96], seconds=9.0, macs=10**9),
                   rival(TRAINED[2], [0.99, 0.98, 0.985], seconds=4.0, macs=10**8))
    return Shown(line_up([Candidate(summary(name), name) for name in TRAINED], trained(found)), rounds=found)
