"""Networks that were trained against each other: a row for each and the verdict, as text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from cnnspec.analysis.latency import Interval
from cnnspec.analysis.rounds import Difference, Rival, Rounds, Run
from cnnspec.analysis.spread import Spread
from cnnspec.record import Record
from cnnspec.render import train, units
from cnnspec.render.compare_text import MARK, NOTHING, wrapped
from cnnspec.render.layout import Line, Styled
from cnnspec.render.markdown import escaped, row
from cnnspec.render.snippet import visible, width
from cnnspec.render.train import number, plain
from cnnspec.render.train_verdict import accuracy, points, verdict

#: Cells before a line and between columns; the fewest of a name.
_MARGIN, _GAP, _NAME = 2, 2, 8
#: Stands for the space before a percent sign while lines are broken, so that both stay on one.
_STUCK = "¤"
#: The width that sentences are broken at where none is given.
_USUAL = 100


class Column(Record):
    """A column, and how one network's cell reads; those of a higher rank go first where room is scarce."""

    title: str
    rank: int
    text: Callable[[Rounds, Rival], str]


def _spread_text(found: Spread | None, images: int) -> str:
    """`98.9 % ± 0.4`: the mean, and the deviation of a run."""
    if found is None:
        return NOTHING
    scatter = "" if found.deviation is None else f" ± {points(found.deviation, images)}"
    return accuracy(found.mean, images) + scatter


def _mean(get: Callable[[Run], float], text: Callable[[float], str]) -> Callable[[Rounds, Rival], str]:
    def cell(rounds: Rounds, rival: Rival) -> str:
        found = rival.spread(get)
        return NOTHING if found is None else text(found.mean)
    return cell


COLUMNS = (
    Column("params", 3, lambda rounds, rival: units.scaled(rival.params) if rival.params else NOTHING),
    Column("MACs", 1, lambda rounds, rival: units.scaled(rival.macs) if rival.macs else NOTHING),
    Column("accuracy", 0, lambda rounds, rival: _spread_text(rival.accuracy, rounds.images)),
    Column("best epoch", 6, lambda rounds, rival: _spread_text(rival.best, rounds.images)),
    Column("loss", 7, _mean(lambda run: run.end.train_loss, "{:.4f}".format)),
    Column("val loss", 4, _mean(lambda run: run.end.val_loss, "{:.4f}".format)),
    Column("images/s", 5, _mean(lambda run: run.learning.images_per_second, units.rate)),
    Column("time", 2, _mean(lambda run: run.learning.seconds, units.duration)),
)


# --------------------------------------------------------------------------------------------------- text


def lines(rounds: Rounds, room: int | None) -> Iterator[Line]:
    """How they were trained, a row for each, the verdict, and what the figures mean; None for all there is to say."""
    for line in wrapped(f"trained on {how(rounds)}", max(room or _USUAL, 20)):
        yield [Styled(line)]
    yield []
    yield from _table(rounds, room)
    yield []
    whole = verdict(rounds).replace(" %", f"{_STUCK}%")
    for line in wrapped(whole, max((room or _USUAL) - _MARGIN, 20)):
        yield [Styled(" " * _MARGIN), Styled(line.replace(_STUCK, " "), "bold")]
    yield []
    for sentence in notes(rounds):
        yield from ([Styled(line, "dim")] for line in wrapped(sentence, max(room or _USUAL, 20)))


def how(rounds: Rounds) -> str:
    """`digits, cpu, fp32, adamw 0.001, batch 64, 5 epochs, seeds 0, 1 and 2`."""
    return ", ".join([rounds.data, rounds.device, units.dtype(rounds.regime.dtype),
                      train.how(rounds.regime, rounds.seeds)])


def _table(rounds: Rounds, room: int | None) -> Iterator[Line]:
    """The columns that there is room for."""
    names = [visible(rival.name) for rival in rounds.rivals]
    texts = {column.title: [column.text(rounds, rival) for rival in rounds.rivals] for column in COLUMNS}
    sizes = {title: max(map(width, [title, *cells])) for title, cells in texts.items()}
    widest = max(map(width, names))

    def takes(columns: list[Column], label: int) -> int:
        return _MARGIN + label + sum(_GAP + sizes[column.title] for column in columns) + _GAP

    shown = [*COLUMNS]
    while room is not None and len(shown) > 1 and takes(shown, min(widest, 2 * _NAME)) > room:
        shown.remove(max(shown, key=lambda column: column.rank))
    label = widest if room is None else max(min(widest, room - takes(shown, 0)), min(widest, _NAME))
    yield [Styled(" " * (_MARGIN + label) + "".join(_cell(column.title, sizes[column.title]) for column in shown),
                  "dim")]
    best = leading(rounds)
    for place, name in enumerate(names):
        cells = [Styled(_cell(texts[column.title][place], sizes[column.title])) for column in shown]
        mark = [Styled(f" {MARK}", "good")] if place in best else []
        yield [Styled(" " * _MARGIN + _clipped(name, label)), *cells, *mark]


def _cell(text: str, size: int) -> str:
    return " " * (_GAP + size - width(text)) + text


def _clipped(name: str, room: int) -> str:
    if width(name) > room:
        while width(name) > room - 1:
            name = name[:-1]
        name += "…"
    return name + " " * (room - width(name))


def leading(rounds: Rounds) -> tuple[int, ...]:
    """The places of the best network and of those that cannot be told from it; none where that is all of them."""
    leader = rounds.leader
    if leader is None:
        return ()
    trained = [place for place, rival in enumerate(rounds.rivals) if rival.runs]
    found = {place: rounds.difference(leader, place) for place in trained if place != leader}
    alike = [place for place in trained if place == leader or not _is_seen(found[place])]
    return tuple(alike) if len(alike) < len(trained) else ()


def _is_seen(found: Difference | None) -> bool:
    return found is not None and found.seen


def notes(rounds: Rounds) -> Iterator[str]:
    """What went wrong, what was done to bring networks and images together, and what the figures mean."""
    if rounds.ended:
        done, asked = sum(len(rival.runs) for rival in rounds.rivals), len(rounds.rivals) * len(rounds.seeds)
        yield f"ended before its time ({rounds.ended}): {done} of {asked} runs are done"
    for rival in rounds.rivals:
        if rival.failure:
            yield f"{visible(rival.name)} was not trained: {visible(rival.failure)}"
        for lost in () if rival.failure else rival.lost:
            yield f"{visible(rival.name)}, seed {lost.seed}, was not finished: {visible(lost.why)}"
    yield from _adaptations(rounds)
    if len(rounds.seeds) > 1:
        yield (f"accuracy at the end on {rounds.images:,} validation images: the mean over the seeds ± the standard "
               "deviation; differences are paired by seed")
        if len(rounds.rivals) > 2:
            yield "intervals of differences hold for all pairs of networks together (Bonferroni)"
    else:
        yield f"accuracy at the end on {rounds.images:,} validation images"
    yield "MACs are of one image's forward pass; training takes three times as many"


def _adaptations(rounds: Rounds) -> Iterator[str]:
    """What was done for all networks, then for each by itself."""
    trained = [rival for rival in rounds.rivals if not rival.failure]
    common = [says for says in trained[0].says if all(says in rival.says for rival in trained)] if trained else []
    yield from common
    for rival in trained:
        own = [says for says in rival.says if says not in common]
        if own:
            yield f"{visible(rival.name)}: {'; '.join(own)}"


# ------------------------------------------------------------------------------------------------ Markdown


def as_markdown(rounds: Rounds) -> str:
    """The table with all columns, the verdict, and the notes as a list."""
    best = leading(rounds)
    table = [row(["", *(column.title for column in COLUMNS)]), row([":--", *["--:"] * len(COLUMNS)], raw=True)]
    for place, rival in enumerate(rounds.rivals):
        mark = f" {MARK}" if place in best else ""
        table.append(row([visible(rival.name) + mark, *(column.text(rounds, rival) for column in COLUMNS)]))
    said = [f"- {escaped(sentence)}" for sentence in (how(rounds), *notes(rounds))]
    return "\n".join([*table, "", f"**{escaped(verdict(rounds))}**", "", *said]) + "\n"


# ---------------------------------------------------------------------------------------------------- JSON


def as_data(rounds: Rounds) -> dict[str, Any]:
    """What stands under `training` in `cnnspec.compare/1`: plain values, without what is no number."""
    names = [rival.name for rival in rounds.rivals]
    pairs = [(one, other, found) for one in range(len(names)) for other in range(one)
             if (found := rounds.difference(one, other)) is not None]
    return {
        "data": rounds.data, "images": rounds.images, "regime": plain(rounds.regime), "seeds": [*rounds.seeds],
        "device": rounds.device, "networks": {rival.name: _network(rival) for rival in rounds.rivals},
        "differences": [{"network": names[one], "to": names[other], **_difference(found)}
                        for one, other, found in pairs],
        "confidence": rounds.confidence, "best": [names[place] for place in leading(rounds)],
        "verdict": verdict(rounds), "ended": rounds.ended or None, "environment": dict(rounds.environment),
    }


def _network(rival: Rival) -> dict[str, Any]:
    figures: dict[str, Callable[[Run], float]] = {
        "train_loss": lambda run: run.end.train_loss, "val_loss": lambda run: run.end.val_loss,
        "seconds": lambda run: run.learning.seconds, "images_per_second": lambda run: run.learning.images_per_second,
        "training_macs": rival.work,
    }
    spreads = {"val_accuracy": rival.accuracy, "best_val_accuracy": rival.best,
               **{name: rival.spread(get) for name, get in figures.items()}}
    return {
        "failure": rival.failure or None, "says": [*rival.says], "params": rival.params or None,
        "macs": rival.macs or None, **{name: _spread(found) for name, found in spreads.items()},
        "runs": [{"seed": run.seed, "epochs": run.learning.epochs, "steps": run.learning.steps,
                  "seconds": run.learning.seconds, "history": [plain(epoch) for epoch in run.learning.history],
                  "losses": [plain(one) for one in run.losses], "checkpoint": run.learning.checkpoint or None}
                 for run in rival.runs],
        "lost": [plain(lost) for lost in rival.lost],
    }


def _spread(found: Spread | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"mean": number(found.mean), "deviation": number(found.deviation), "interval": _interval(found.interval)}


def _difference(found: Difference) -> dict[str, Any]:
    return {"mean": found.mean, "interval": _interval(found.interval), "pairs": found.pairs, "seen": found.seen}


def _interval(found: Interval | None) -> list[Any] | None:
    return None if found is None else [number(found.low), number(found.high)]
