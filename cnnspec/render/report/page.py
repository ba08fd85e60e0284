"""The frame of a report: one file with its style and script inside, that fetches nothing."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256

from cnnspec import __version__
from cnnspec.record import Record
from cnnspec.render import palette
from cnnspec.render.snippet import visible
from cnnspec.render.svg import element, quoted

#: Bytes that no report shall exceed.
MOST_BYTES = 500_000
#: The files of the script, in order.
SCRIPTS = ("folding.js", "pointing.js")
#: Colours of `palette` by the names that report.css has for them.
_TONES = {
    "text": palette.TEXT, "quiet": palette.QUIET, "line": palette.LINE, "faint": palette.FAINT, "page": palette.PAGE,
    "panel": palette.PANEL, "mark": palette.MARK, "accent": palette.STROKES["convolution"],
    }


class Figure(Record):
    """A number of the head, with its name above it and what else to say of it below."""

    name: str
    number: str
    more: str = ""


class Section(Record):
    """A part of a page under a heading; `body` is HTML. Without a `key`, the navigation passes it over."""

    key: str
    title: str
    body: str


class Page(Record):
    """What a report says; texts are plain, except for the bodies of sections."""

    #: What kind of report it is: `summary`.
    kind: str
    title: str
    #: What is said below the title, in a few words each.
    lead: tuple[str, ...]
    figures: tuple[Figure, ...]
    sections: tuple[Section, ...]
    #: The command that makes it.
    command: str
    #: Sentences at the foot: conventions, remarks.
    remarks: tuple[str, ...] = ()


def fitting(pages: Iterable[Page]) -> str:
    """The first page that is small enough as a file's text; else the last one."""
    text = ""
    for page in pages:
        text = html(page)
        if len(text.encode()) <= MOST_BYTES:
            break
    return text


def html(page: Page) -> str:
    """The page as a file's text. The same page gives the same text, wherever and whenever."""
    script = "\n".join(map(_beside, SCRIPTS))
    main = element("main", *(section_html(one) for one in page.sections), data_net="")
    return "\n".join([
        "<!doctype html>", '<html lang="en">', _head(page, script), "<body>", _header(page), _navigation(page.sections),
        main, _footer(page), f"<script>{script}</script>", "</body>", "</html>", "",
    ])


def _head(page: Page, script: str) -> str:
    trusted = b64encode(sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{trusted}'"
    return "\n".join([
        "<head>", '<meta charset="utf-8">', f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">', f'<meta name="generator" content="cnnspec {__version__}">',
        '<link rel="icon" href="data:,">', element("title", f"{quoted(page.title)} – {page.kind}"),
        f"<style>{_tones()}\n{_beside('report.css')}</style>", "</head>",
    ])


def _beside(name: str) -> str:
    """A file of this folder."""
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return file.read()


def _tones() -> str:
    """The palette as variables; paper is light."""
    light = ";".join(f"--{name}:{tone.light}" for name, tone in _TONES.items())
    dark = ";".join(f"--{name}:{tone.dark}" for name, tone in _TONES.items())
    return f":root{{{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"


# ----------------------------------------------------------------------------------------------- parts


def _header(page: Page) -> str:
    lead = "".join(element("li", quoted(text)) for text in page.lead)
    return element("header", element("h1", quoted(page.title)), element("ul", lead, class_="lead"),
                   *([figures_html(page.figures)] if page.figures else []))


def figures_html(figures: Iterable[Figure]) -> str:
    """A row of numbers with their names."""
    return element("dl", "", *(
        element("div", element("dt", quoted(one.name)), element("dd", element("b", _number(one.number)), *(
            [element("span", quoted(one.more))] if one.more else [])))
        for one in figures), class_="figures")


def _number(text: str) -> str:
    """A number, and its unit smaller."""
    number, space, unit = text.rpartition(" ")
    if not space or not number[-1:].isdigit():
        return quoted(text)
    return f"{quoted(number)}{element('small', f'&#160;{quoted(unit)}')}"


def _navigation(sections: Sequence[Section]) -> str:
    links = (element("a", quoted(one.title), href=f"#{one.key}") for one in sections if one.key)
    return element("nav", *links, aria_label="sections")


def section_html(section: Section) -> str:
    """A section with its heading."""
    return element("section", element("h2", quoted(section.title)), section.body, id=section.key or None)


def _footer(page: Page) -> str:
    said = "".join(element("p", sentence_html(sentence)) for sentence in page.remarks)
    made = element("p", "Made by ", element("code", quoted(page.command)), f" (cnnspec {__version__})")
    return element("footer", said, made)


def sentence_html(text: str) -> str:
    """A sentence; what stands between backticks is code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return quoted(text)
    return "".join(element("code", quoted(part)) if at % 2 else quoted(part) for at, part in enumerate(parts))


def table_html(heads: Sequence[str], rows: Iterable[Sequence[str]], *, name: str) -> str:
    """A small table whose first column names its rows."""
    first, *others = heads
    head = element("tr", element("th", quoted(first), scope="col"),
                   *(element("th", quoted(text), scope="col") for text in others))
    body = "".join(element("tr", element("th", quoted(label), scope="row"), *(element("td", quoted(text))
                                                                          for text in texts)) for label, *texts in rows)
    return scrolling(element("table", element("thead", head), element("tbody", body), class_="small", aria_label=name))


def facts_html(facts: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Names, and beside each the sentences that belong to it."""
    rows = (element("div", element("dt", quoted(visible(name))), *(
        element("dd", sentence_html(visible(line))) for line in lines)) for name, lines in facts)
    return element("dl", *rows, class_="facts")


def scrolling(body: str, kind: str = "", name: str = "") -> str:
    """What may be wider than the page, in a frame of its own that scrolls."""
    return element("div", body, class_=f"scroll {kind}".strip(), role="group" if name else None,
                   aria_label=name or None)
