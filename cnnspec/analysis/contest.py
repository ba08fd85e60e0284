"""What networks cost that were measured against each other: a run of each, and ratios from times taken in turns."""

from __future__ import annotations

from collections.abc import Mapping

from cnnspec.analysis.comparison import Comparison, Rounds, compare
from cnnspec.analysis.energy import Energy
from cnnspec.analysis.profile import Options, Run
from cnnspec.environment import Unavailable
from cnnspec.record import Record


class Heat(Record):
    """The times of those networks that took turns."""

    #: Which of the contest's networks they are.
    places: tuple[int, ...]
    rounds: Rounds

    def comparison(self, place: int, to: int = 0) -> Comparison | None:
        """How many times as long as another network (the first) one takes; None where there is no such ratio."""
        if place == to or place not in self.places or to not in self.places:
            return None
        return self.rounds.comparison(self.places.index(place), self.places.index(to))


class Contest(Record):
    """Networks measured against each other on one device, under the same options."""

    device: str
    #: The device's model, as it is shown: `NVIDIA H200`.
    device_name: str
    #: Versions, settings and state of the machine, by name: what one needs to measure the same again.
    environment: Mapping[str, object]
    options: Options
    #: One for each network, in the order given; without times of layers.
    runs: tuple[Run, ...]
    #: Turns by the host's clock.
    host: Heat | Unavailable
    #: Turns of replayed CUDA graphs, by the device's events; CUDA alone.
    replays: Heat | Unavailable
    #: Whether it was broken off.
    interrupted: bool = False

    @property
    def heat(self) -> Heat | Unavailable:
        """The turns that count: the device's with a CUDA graph, else the host's."""
        return self.replays if self.options.cuda_graph else self.host

    @property
    def converged(self) -> bool:
        """Whether all ratios that count became known as closely as was asked for."""
        return not isinstance(self.heat, Unavailable) and self.heat.rounds.converged

    def comparison(self, place: int, to: int = 0) -> Comparison | None:
        """How many times as long as another network (the first) one takes; None where there is no such ratio."""
        return None if isinstance(self.heat, Unavailable) else self.heat.comparison(place, to)

    def energy(self, place: int, to: int = 0) -> Comparison | None:
        """How many times the gross energy of another network (the first) one takes; None where there is no such ratio.

        From windows that were taken in turns, one after the other: fewer than six show no difference.
        """
        if place == to:
            return None
        ratios = [b / a for a, b in zip(_joules(self.runs[to]), _joules(self.runs[place]), strict=False)]
        return compare(ratios) if ratios else None


def _joules(run: Run) -> list[float]:
    """Of an image, in each window; empty where the energy is not known."""
    if not isinstance(run.energy, Energy) or isinstance(run.energy.gross, Unavailable):
        return []
    return [window.joules / window.images for window in run.energy.windows]
