"""Reports of every kind, as texts, by name; networks of the zoo, and profiles that are made up."""

from __future__ import annotations

from functools import cache

import cnnspec
from cnnspec.analysis.summary import Summary
from cnnspec.render.report.profile_page import profile_html
from cnnspec.render.report.summary_page import summary_html
from tests.render import profiles

#: A plain chain, folded blocks, wide branches, long skips; a run on a GPU, one of several batches, one that failed.
SUMMARIES = ("vgg16", "resnet50", "inception_v3", "unet")
PROFILES = ("cuda", "sweep", "all_failed", "troubled", "nothing")
ALL = (*SUMMARIES, *(f"profile-{name}" for name in PROFILES))


@cache
def summary(name: str) -> Summary:
    return cnnspec.load(name).summary()


@cache
def report(name: str) -> str:
    kind, _, case = name.partition("-")
    if kind == "profile":
        return profile_html(profiles.PAGES[case][0], f"cnnspec profile {case} --report {case}.html")
    return summary_html(summary(name), f"cnnspec summary {name} --report {name}.html")
