"""Tables of networks side by side: a column for each where they are few, a row for each where they are many."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.analysis.lineup import Lineup
from cnnspec.analysis.lineup_measures import SHAPE, Measure
from cnnspec.analysis.lineup_stages import Part, Stage
from cnnspec.render import units
from cnnspec.render.compare_text import MARK, Shown, front_title, part_shape, place, ratio, resolution, value
from cnnspec.render.report.facts import portable
from cnnspec.render.report.page import scrolling
from cnnspec.render.snippet import visible
from cnnspec.render.svg import element, quoted

_STAGE = ("output", "params", "MACs", "activations")
_MARKED = element("span", MARK, class_="mark", title="the best")


def measures_table(shown: Shown) -> str:
    """A row for each measure; of each network its value with a bar, and its ratio to the first network."""
    names = (element("th", quoted(visible(name)), scope="colgroup", colspan=2) for name in shown.lineup.names)
    rows = [element("tr", element("th", quoted(measure.title), scope="row", title=measure.doc),
                    *(_value(measure, at) + _aside(measure, at) for at in range(len(measure.values))))
            for measure in shown.measures]
    if shown.front is not None:
        texts = (place(shown.front, at) for at in range(len(shown.lineup.entrants)))
        rows.append(element("tr", element("th", quoted(front_title(shown.front)), scope="row"),
                            *(element("td", quoted(text), class_="share") + element("td", "") for text in texts)))
    return _framed(element("tr", element("th", "measure", scope="col"), *names), rows, "measures", "wide")


def _value(measure: Measure, at: int) -> str:
    """A value, and a bar as long as its part of the largest; none where neither more nor less is better."""
    known = [number for number in measure.numbers if number is not None]
    number, most = measure.numbers[at], max(known, default=0)
    bar = f"--b:{100 * number / most:.3g}" if number and most > 0 and measure.better else None
    return element("td", quoted(value(measure, at)), class_="share best" if at in measure.best else "share", style=bar)


def _aside(measure: Measure, at: int) -> str:
    return element("td", _MARKED if at in measure.best else "", quoted(ratio(measure, at)), class_="aside")


def networks_table(shown: Shown) -> str:
    """A row for each network; the script of the page sorts them. Shapes stand last: a narrow page leaves them out."""
    measures, shapes = _parted(shown)
    titles = [measure.title for measure in measures] + ([front_title(shown.front)] if shown.front else [])
    head = element("tr", element("th", "network", scope="col"),
                   *(element("th", quoted(title), scope="col") for title in titles),
                   *(element("th", quoted(measure.title), scope="col", class_="shape") for measure in shapes))
    rows = [_network(shown, at) for at in range(len(shown.lineup.entrants))]
    return _framed(head, rows, "networks", "layers networks")


def _parted(shown: Shown) -> tuple[list[Measure], list[Measure]]:
    """The measures, and the shapes among them that nobody asked for."""
    shapes = [measure for measure in shown.measures if measure.unit == SHAPE and not shown.chosen]
    return [measure for measure in shown.measures if measure not in shapes], shapes


def _network(shown: Shown, at: int) -> str:
    measures, shapes = _parted(shown)
    cells = [_cell(measure, at) for measure in measures]
    if shown.front is not None:
        cells.append(element("td", quoted(place(shown.front, at))))
    cells += [element("td", quoted(value(measure, at)), class_="shape") for measure in shapes]
    exact = ",".join(_exact(measure.numbers[at]) for measure in measures)
    name, target = shown.lineup.names[at], shown.lineup.entrants[at].target
    return element("tr", element("th", quoted(visible(name)), scope="row", data_path=visible(portable(target))),
                   *cells, data_v=f",{exact}")


def _exact(number: float | None) -> str:
    return "" if number is None else str(number) if isinstance(number, int) else f"{number:.7g}"


def _cell(measure: Measure, at: int) -> str:
    best = at in measure.best
    return element("td", quoted(value(measure, at)), _MARKED if best else "", class_="best" if best else None)


# ----------------------------------------------------------------------------------------------- stages


def stages_table(lineup: Lineup) -> str:
    """A row for each resolution, and of each network what it has there."""
    names = (element("th", quoted(visible(name)), scope="colgroup", colspan=len(_STAGE)) for name in lineup.names)
    titles = (element("th", title, scope="col") for _ in lineup.names for title in _STAGE)
    head = (element("tr", element("th", "stage", scope="col", rowspan=2), *names), element("tr", *titles))
    rows = [element("tr", element("th", resolution(stage), scope="row"), *_parts(stage)) for stage in lineup.stages]
    return _framed("".join(head), rows, "stages", "wide")


def _parts(stage: Stage) -> Iterator[str]:
    for part in stage.parts:
        texts = _texts(part) if part else ("",) * len(_STAGE)
        yield from (element("td", quoted(text), class_=None if at else "first") for at, text in enumerate(texts))


def _texts(part: Part) -> tuple[str, ...]:
    return (part_shape(part), units.scaled(part.params), units.scaled(part.macs), units.size(part.activation_bytes))


def _framed(head: str, rows: list[str], name: str, kind: str) -> str:
    body = "\n".join(rows)
    return scrolling(element("table", element("thead", head), f"\n<tbody>\n{body}\n</tbody>\n", class_=kind,
                             aria_label=name, data_noun=name), name=name)
