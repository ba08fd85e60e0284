"""The colours of drawings, charts and reports, for light and for dark surroundings."""

from __future__ import annotations

from cnnspec.record import Record


class Tone(Record):
    """One colour, light and dark."""

    light: str
    dark: str


#: Fonts whose characters are all of one width, which is `CHARACTER` of the size; so texts have known widths.
FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"
CHARACTER = 0.605

TEXT = Tone("#1f2328", "#e6edf3")
QUIET = Tone("#656d76", "#8d96a0")
LINE = Tone("#8c959f", "#6e7681")
#: Frames, grids and rules.
FAINT = Tone("#d0d7de", "#30363d")
PAGE = Tone("#ffffff", "#0d1117")
#: Frames' and tables' ground.
PANEL = Tone("#f6f8fa", "#161b22")
#: What is pointed at.
MARK = Tone("#bf3989", "#f778ba")

#: What boxes are filled with, by family; their texts are `TEXT`.
FILLS = {
    "input": Tone("#eaeef2", "#21262d"),
    "convolution": Tone("#b6dcff", "#0f3a66"),
    "linear": Tone("#dfc9ff", "#43286f"),
    "pooling": Tone("#b4edc4", "#123f25"),
    "normalisation": Tone("#f5e6c8", "#44371c"),
    "activation": Tone("#fff1a8", "#4a3f0c"),
    "merge": Tone("#ffd0b5", "#5a2a10"),
    "resampling": Tone("#b3ecec", "#0c4347"),
    "shape": Tone("#dde3ea", "#2b323b"),
    "regularisation": Tone("#ececec", "#2d2d2d"),
    "other": Tone("#e4dccf", "#3a342b"),
    "block": Tone("#d5daf7", "#2b2f5e"),
}
#: Their borders, and the lines and bars of charts.
STROKES = {
    "input": Tone("#8c959f", "#6e7681"),
    "convolution": Tone("#2a7bd1", "#4c9bf0"),
    "linear": Tone("#8250df", "#a97bf5"),
    "pooling": Tone("#2a9d51", "#3fb968"),
    "normalisation": Tone("#b3872c", "#c9a24d"),
    "activation": Tone("#a58a00", "#cdb12c"),
    "merge": Tone("#d4621f", "#f0883e"),
    "resampling": Tone("#138a91", "#35b5bd"),
    "shape": Tone("#77828e", "#8b949e"),
    "regularisation": Tone("#8a8a8a", "#9a9a9a"),
    "other": Tone("#8f7f66", "#a8987e"),
    "block": Tone("#5563c1", "#8591f0"),
}
#: Of several networks beside each other, in order.
SERIES = (
    Tone("#2a7bd1", "#4c9bf0"), Tone("#d4621f", "#f0883e"), Tone("#2a9d51", "#3fb968"), Tone("#8250df", "#a97bf5"),
    Tone("#bf3989", "#f778ba"), Tone("#138a91", "#35b5bd"), Tone("#a58a00", "#cdb12c"), Tone("#77828e", "#8b949e"),
)
