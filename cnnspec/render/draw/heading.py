"""What stands above and below a drawing: the network's name, input and totals, and what colours and areas mean."""

from __future__ import annotations

from cnnspec.analysis.diagram import BLOCK, Diagram
from cnnspec.analysis.summary import Summary
from cnnspec.layers.base import FAMILIES
from cnnspec.record import Record
from cnnspec.render import units
from cnnspec.render.draw import words
from cnnspec.render.snippet import visible

TITLE, FACTS, LEGEND = 15.0, 11.5, 10.5
#: Places of a name; of all inputs.
MOST_NAME, MOST_INPUTS = 60, 60
#: The width at which a legend breaks, and its lines' height; a swatch's side.
LEGEND_WIDTH, LEGEND_LINE, SWATCH = 660.0, 19.0, 10.0


class Text(Record):
    """A text on a baseline. `anchor` is `start`, `middle` or `end`; `tone` is `strong`, `title`, `quiet` or `count`."""

    x: float
    y: float
    content: str
    size: float
    anchor: str = "start"
    tone: str = "strong"

    @property
    def width(self) -> float:
        return words.width(self.content, self.size)

    @property
    def left(self) -> float:
        return self.x - self.width * {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor]

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def top(self) -> float:
        return self.y - 0.78 * self.size

    @property
    def bottom(self) -> float:
        return self.y + 0.22 * self.size


class Swatch(Record):
    """A square in a family's colours."""

    x: float
    y: float
    family: str


def heading(summary: Summary, diagram: Diagram, margin: float
            ) -> tuple[float, float, tuple[Text, ...], tuple[Swatch, ...]]:
    """The texts and swatches above a network; with them, where they end, and how wide they are."""
    name = words.shortened(visible(diagram.name), MOST_NAME)
    title = Text(margin, margin + TITLE, name, TITLE, tone="title")
    facts = Text(title.right + 14, title.y, _facts(summary), FACTS, tone="quiet")
    texts, swatches = [title, facts], []
    x, y = margin, title.y + 26
    for family in (*FAMILIES, BLOCK):
        if not any(box.family == family for box in diagram.boxes):
            continue
        if x + SWATCH + 6 + words.width(family, LEGEND) > margin + max(LEGEND_WIDTH, facts.right - margin):
            x, y = margin, y + LEGEND_LINE
        swatches.append(Swatch(x, y - SWATCH + 1, family))
        texts.append(Text(x + SWATCH + 6, y, family, LEGEND, tone="quiet"))
        x = texts[-1].right + 18
    return y + 4, max(text.right for text in texts) - margin, tuple(texts), tuple(swatches)


def _facts(summary: Summary) -> str:
    inputs = ", ".join(f"{visible(name)} {units.shape(shape)}" for name, shape in summary.inputs.items())
    macs = units.scaled(summary.totals.macs)
    return (f"{words.shortened(inputs, MOST_INPUTS)} · {units.count(summary.totals.params)} parameters · "
            f"{macs}{'' if macs[-1].isalpha() else ' '}MACs")


def note(size_by: str, margin: float, y: float) -> tuple[Text, ...]:
    """What areas mean."""
    figure = "parameters" if size_by == "params" else "MACs"
    return (Text(margin, y, f"area: {figure}, where larger than the text", LEGEND, tone="quiet"),)
