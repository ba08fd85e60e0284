"""Saved profiles: read as they were written, refused where they are foreign, and compared run by run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cnnspec.analysis.latency import Latency
from cnnspec.analysis.profile import Options, Profile
from cnnspec.analysis.profile_report import (
    Difference,
    Stored,
    against,
    from_json,
    named,
    read_profile,
    require_counterpart,
)
from cnnspec.diagnostics import SpecError
from cnnspec.environment import Unavailable
from cnnspec.render.console import plain
from cnnspec.render.profile import as_json, differences
from tests.render.profiles import environment, failed, latency, profile, troubled


def stored(found: Profile) -> Stored:
    return from_json(as_json(found), "saved.json")


def timed(*medians: float, spread: float = 0.01, **changes: Any) -> Profile:
    """A profile of batches 1, 2, … with these medians."""
    found = profile(batches=tuple(range(1, len(medians) + 1)))
    runs = tuple(run.replace(latency=latency(seconds, spread))
                 for run, seconds in zip(found.runs, medians, strict=True))
    return found.replace(runs=runs, **changes)  # type: ignore[no-any-return]  # a record like itself


# ---------------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize("found", [
    profile(batches=(1, 8, 256)), profile(device="cuda", cuda_graph=True), profile(mode="training", optimizer="adam"),
    troubled(), profile(batches=())], ids=["cpu", "cuda", "training", "troubled", "nothing"])
def test_a_profile_is_read_as_it_was_written(found: Profile, tmp_path: Path) -> None:
    path = tmp_path / "saved.json"
    path.write_text(as_json(found), encoding="utf-8")
    read = read_profile(str(path))
    assert (read.net, read.device_name, read.path) == (found.net, found.device_name, str(path))
    assert read.inputs == found.summary.inputs
    assert read.environment == found.environment
    assert [run.options for run in read.runs] == [run.options for run in found.runs]
    for here, there in zip(read.runs, found.runs, strict=True):
        kept = there.device_latency if there.options.cuda_graph else there.latency
        assert type(here.latency) is type(kept)
        if isinstance(here.latency, Latency) and isinstance(kept, Latency):
            for field in Latency._fields:
                assert getattr(here.latency, field) == pytest.approx(getattr(kept, field))
        else:
            assert here.latency == kept


def test_keys_of_later_versions_are_passed_over() -> None:
    data = json.loads(as_json(profile()))
    data["runs"][0]["more"] = data["more"] = {"x": 1}
    assert from_json(json.dumps(data), "saved.json") == stored(profile())


@pytest.mark.parametrize(("damage", "said"), [
    (lambda data: data.update(schema="cnnspec.profile/2"), '`schema` is not "cnnspec.profile/1"'),
    (lambda data: data.update(schema="cnnspec.device/1"), '`schema` is not "cnnspec.profile/1"'),
    (lambda data: data.pop("runs"), "`runs` is missing"),
    (lambda data: data.update(runs=7), "`runs` is no list of at least 0"),
    (lambda data: data.update(inputs=[3, 9, 9]), "`inputs` is no object"),
    (lambda data: data["inputs"].update(input=["3"]), "`inputs.input` is no list of whole numbers"),
    (lambda data: data["runs"][0].update(batch=0), "`runs[0].batch` is no whole number of at least 1"),
    (lambda data: data["runs"][0].update(dtype="float8"), "`runs[0].dtype` is none of float64"),
    (lambda data: data["runs"][0].update(cold="no"), "`runs[0].cold` is no true or false"),
    (lambda data: data["runs"][0].pop("latency"), "`runs[0].latency` is missing"),
    (lambda data: data["runs"][0]["latency"].update(p50_ms=0), "`runs[0].latency.p50_ms` is no positive number"),
    (lambda data: data["runs"][0]["latency"].update(p50_ms=9e9), "the times of `runs[0].latency` are not in order"),
    (lambda data: data["runs"][0]["latency"].update(throttled=7), "`runs[0].latency.throttled` is no list of texts"),
])
def test_what_is_foreign_is_told_apart(damage: Callable[[Any], object], said: str) -> None:
    data = json.loads(as_json(profile()))
    damage(data)
    with pytest.raises(SpecError) as caught:
        from_json(json.dumps(data), "saved.json")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "bad-report"
    assert diagnostic.message.startswith(f"saved.json is no saved profile: {said}")


@pytest.mark.parametrize("text", [b"", b"{", as_json(profile())[:-300].encode(), b"\xff\xfe", b"[" * 100_000, b"[1]"])
def test_what_is_torn_is_told_apart(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "torn.json"
    path.write_bytes(text)
    with pytest.raises(SpecError, match="is no saved profile"):
        read_profile(str(path))


def test_a_file_that_is_missing_has_its_own_code(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(SpecError) as caught:
            read_profile(str(path))
        assert [one.code for one in caught.value.diagnostics] == ["no-report"]


# -------------------------------------------------------------------------------------------- comparing


@pytest.mark.parametrize(("now", "then", "spread", "most", "slower", "said"), [
    (1.0e-3, 1.0e-3, 0.01, 0.05, False, "no difference seen"),
    (1.2e-3, 1.0e-3, 0.01, 0.05, True, "slower: ×1.20"),
    (1.2e-3, 1.0e-3, 0.15, 0.05, False, "no difference seen"),
    (1.04e-3, 1.0e-3, 0.01, 0.05, False, "slower, but allowed: ×1.04"),
    (1.2e-3, 1.0e-3, 0.01, 0.25, False, "slower, but allowed: ×1.20"),
    (0.8e-3, 1.0e-3, 0.01, 0.0, False, "faster: ×0.80"),
])
def test_a_run_is_slower_beyond_what_is_allowed_and_where_intervals_part(
        now: float, then: float, spread: float, most: float, slower: bool, said: str) -> None:
    (found,) = against(timed(now, spread=spread), stored(timed(then, spread=spread)), most)
    assert found.slower is slower
    assert found.ratio == pytest.approx(now / then)
    assert said in shown([found], most)[-1]


def shown(found: list[Difference], most: float = 0.05) -> list[str]:
    return "".join(plain(differences(found, most))).splitlines()


def test_runs_are_paired_by_their_options_and_those_without_a_pair_are_said() -> None:
    now = timed(1e-3, 2e-3, 3e-3)
    then = stored(timed(1e-3, 2e-3, 3e-3)).replace(runs=stored(timed(1e-3, 2e-3, 3e-3, 4e-3)).runs[1:])
    found = against(now, then, 0.05)
    assert [one.options.batch for one in found] == [1, 2, 3, 4]
    assert [one.ratio is None for one in found] == [True, False, False, True]
    assert not any(one.slower for one in found)
    page = shown([*found])
    assert "not in the file → 1.00 ms ±1.0 %" in page[2]
    assert page[2].endswith("not compared")
    assert "4.00 ms ±1.0 % → not measured now" in page[5]


def test_of_runs_with_the_same_options_the_last_counts() -> None:
    now = timed(9e-3)
    now = now.replace(runs=(*now.runs, now.runs[0].replace(latency=latency(1e-3, 0.01))))
    (found,) = against(now, stored(timed(1e-3)), 0.05)
    assert found.ratio == pytest.approx(1)


def test_a_run_that_no_longer_fits_fails() -> None:
    now = timed(1e-3, 2e-3)
    now = now.replace(runs=(now.runs[0], failed(now.runs[1].options)))
    same, lost = against(now, stored(timed(1e-3, 2e-3)), 0.05)
    assert (same.slower, lost.slower) == (False, True)
    page = shown([same, lost])
    assert "2.00 ms ±1.0 % → out of memory" in page[-1]
    assert page[-1].endswith("does not run any more")
    (_, never) = against(now, stored(now), 0.05)
    assert not never.slower


def test_the_latency_that_counts_is_the_devices_with_a_graph() -> None:
    then = profile(device="cuda", cuda_graph=True)
    slow = then.runs[0].replace(latency=latency(1.0))
    (found,) = against(then.replace(runs=(slow,)), stored(then), 0.05)
    assert found.ratio == pytest.approx(1)
    slow = then.runs[0].replace(device_latency=latency(1.0))
    (found,) = against(then.replace(runs=(slow,)), stored(then), 0.05)
    assert found.slower


def test_an_optimizer_means_nothing_in_inference_and_something_in_training() -> None:
    (found,) = against(profile(optimizer="adam"), stored(profile(optimizer="sgd")), 0.05)
    assert found.ratio == pytest.approx(1)
    with pytest.raises(SpecError):
        against(profile(mode="training", optimizer="adam"), stored(profile(mode="training", optimizer="sgd")), 0.05)


def test_nothing_to_compare_is_a_mistake() -> None:
    with pytest.raises(SpecError) as caught:
        against(profile(batches=(1, 2)), stored(profile(batches=(4,), channels_last=True)), 0.05)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "no-counterpart"
    assert diagnostic.notes == ("wanted: batch 1, float32, inference; batch 2, float32, inference",
                                "in the file: batch 4, float32, inference, channels last")


def test_what_has_no_latency_is_nothing_to_compare_with() -> None:
    gone = Unavailable("broken off before")
    then = timed(1e-3, 2e-3)
    broken = stored(then.replace(runs=tuple(run.replace(latency=gone) for run in then.runs)))
    with pytest.raises(SpecError) as caught:
        against(then, broken, 0.05)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "no-counterpart"
    assert "in the file: batch 1, float32, inference (broken off before); batch 2" in diagnostic.notes[1]
    half = stored(then.replace(runs=(then.runs[0].replace(latency=gone), then.runs[1])))
    assert [one.ratio is None for one in against(then, half, 0.05)] == [True, False]


@pytest.mark.parametrize(("net", "options", "batches", "code"), [
    ("plain", Options(), (1, 7), None), ("plain", Options(), None, None), ("plain", Options(), (7,), "no-counterpart"),
    ("plain", Options(), (2,), "no-counterpart"), ("plain", Options("training"), None, "no-counterpart"),
    ("plain", Options(optimizer="adam"), (1,), None), ("gates", Options(), (1,), "other-network")])
def test_whether_anything_can_be_compared_is_known_beforehand(
        net: str, options: Options, batches: tuple[int, ...] | None, code: str | None) -> None:
    then = timed(1e-3, 2e-3)
    known = stored(then.replace(runs=(then.runs[0], then.runs[1].replace(latency=Unavailable("broken off before")))))
    if code is None:
        require_counterpart(known, net, options, batches)
        return
    with pytest.raises(SpecError) as caught:
        require_counterpart(known, net, options, batches)
    assert [one.code for one in caught.value.diagnostics] == [code]


def test_what_else_has_changed_is_said() -> None:
    now = timed(1e-3, device_name="Abacus 4", environment=environment(threads=16, cudnn_benchmark=True))
    (found,) = against(now, stored(timed(1e-3)), 0.05)
    assert found.changes == ("device: Abacus 4, then Abacus 3", "threads: 16, then 8",
                             "cudnn.benchmark: True, then False")
    assert shown([found])[-3:] == [f"  not as it was: {change}" for change in found.changes]
    (found,) = against(timed(1e-3), stored(timed(1e-3)), 0.05)
    assert found.changes == ()


def test_another_network_and_another_input_are_said() -> None:
    small = profile("gates", mode="inference")
    (found,) = against(small, stored(profile()), 0.05)
    assert found.changes[0] == "net: gates, then plain"
    assert found.changes[1].startswith("FLOPs of an image: ")


@pytest.mark.parametrize(("options", "text"), [
    (Options(), "batch 1, float32, inference"),
    (Options("training", 8, "bfloat16", autocast=True), "batch 8, autocast to bfloat16, training (momentum)"),
    (Options(channels_last=True, compiled=True, cuda_graph=True, cold=True),
     "batch 1, float32, inference, channels last, compiled, CUDA graph, cold")])
def test_options_in_words(options: Options, text: str) -> None:
    assert named(options) == text


def test_a_difference_without_a_time_is_none() -> None:
    nothing = Unavailable("not measured now")
    found = Difference(Options(), nothing, latency(1e-3), 0.05)
    assert (found.ratio, found.differs, found.slower) == (None, False, False)
