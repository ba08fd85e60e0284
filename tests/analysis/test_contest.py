"""What a contest says of its networks: whose ratio there is, and which turns count."""

from __future__ import annotations

from cnnspec.analysis.comparison import Rounds
from cnnspec.analysis.contest import Contest, Heat
from cnnspec.analysis.energy import Conditions, Energy, Window, energy
from cnnspec.analysis.latency import summarize
from cnnspec.analysis.profile import Options, Run
from cnnspec.environment import Unavailable

NO = Unavailable("not asked for")
CONDITIONS = Conditions((NO, NO), (NO, NO), ())


def heat(places: tuple[int, ...], *seconds: float, converged: bool = True) -> Heat:
    """Ten blocks in which each run takes so long."""
    return Heat(places, Rounds(tuple(summarize([one] * 20) for one in seconds),
                               (tuple((one, one) for one in seconds),) * 10, converged))


def joules(*windows: float, failure: Unavailable | None = None) -> Energy:
    """Of ten images in each window."""
    return energy("GPU", "counter", 100.0, [Window(5.0, 10, one * 10) for one in windows], CONDITIONS, failure)


def contest(host: Heat | Unavailable = NO, replays: Heat | Unavailable = NO, energies: tuple[Energy, ...] = (),
            **options: bool) -> Contest:
    runs = tuple(Run(Options(**options), NO, NO, NO, one, NO) for one in energies)
    return Contest("cuda:0", "GPU", {}, Options(**options), runs, host, replays)


def test_ratios_are_of_those_that_took_turns() -> None:
    one = heat((0, 2, 3), 1.0, 3.0, 1.5)
    assert [one.comparison(place).ratio for place in (2, 3)] == [3.0, 1.5]
    assert one.comparison(2, 3).ratio == 2.0
    assert [one.comparison(*pair) for pair in ((1, 0), (2, 1), (0, 0), (2, 2))] == [None] * 4


def test_the_turns_that_count() -> None:
    host, replays = heat((0, 1), 1.0, 2.0), heat((0, 1), 1.0, 3.0, converged=False)
    assert (contest(host, replays).comparison(1).ratio, contest(host, replays).converged) == (2.0, True)
    graphs = contest(host, replays, cuda_graph=True)
    assert (graphs.comparison(1).ratio, graphs.converged) == (3.0, False)
    assert contest().comparison(1) is None
    assert not contest().converged


def test_energy_is_compared_window_by_window() -> None:
    rising = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5]
    found = contest(energies=(joules(*rising), joules(*(2 * one for one in rising)), joules(*rising)))
    assert found.energy(0) is None
    assert (round(found.energy(1).low, 9), round(found.energy(1).high, 9), found.energy(1).pairs) == (2, 2, 6)
    assert found.energy(1).different
    assert not found.energy(2).different


def test_few_windows_show_no_difference() -> None:
    assert not contest(energies=(joules(1, 1, 1), joules(2, 2, 2))).energy(1).different


def test_energy_that_is_not_known_has_no_ratio() -> None:
    broken = joules(1, 1, failure=Unavailable("in window 3 of 6: the counter went back"))
    assert contest(energies=(joules(*[1] * 6), broken)).energy(1) is None
    assert contest(energies=(broken, joules(*[1] * 6))).energy(1) is None
    assert contest(energies=(NO, joules(*[1] * 6))).energy(1) is None  # type: ignore[arg-type]  # never measured
