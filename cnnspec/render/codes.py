"""The catalogue of messages, for a terminal and as `docs/diagnostics.md` (`python -m cnnspec.render.codes`)."""

from __future__ import annotations

from cnnspec.analysis.check import check
from cnnspec.codes import SPEC, Code, Example, catalogue
from cnnspec.limits import Limits
from cnnspec.render.diagnostics import full
from cnnspec.source import Source

#: The name under which examples are checked.
FILE = "example.cnn"

_HEAD = """\
<!-- Made by `python -m cnnspec.render.codes` from cnnspec/codes.md. -->
# Messages

Every message has a code, a place, the values on both sides and, where there is one, a fix. `cnnspec explain CODE` shows
what stands here. Errors make `cnnspec check` exit with 1, warnings only with `--strict`; a comment `# allow: CODE` at
the end of a line accepts a warning there.
"""


def in_full(code: Code, color: bool = False) -> str:
    """What a code means, a spec that gives it with the message, and the corrected one."""
    parts = [f"{_strong(f'{code.severity}[{code.name}]', color)}  {code.meaning}"]
    parts += [code.explanation] if code.explanation else []
    parts.append(_indented(code.wrong.text))
    if code.wrong.kind == SPEC:
        parts.append(message(code.wrong, color))
    if code.right is not None:
        parts += ["Mended:", _indented(code.right.text)]
    return "\n\n".join(parts)


def message(example: Example, color: bool = False) -> str:
    """What `cnnspec check` says of an example."""
    limits = Limits(**{name.removeprefix("max-").replace("-", "_"): value for name, value in example.limits.items()})
    return full(check(Source(FILE, example.text), limits), color)


def page() -> str:
    """`docs/diagnostics.md`."""
    codes = catalogue().values()
    topics = list(dict.fromkeys(code.topic for code in codes))
    parts = [_HEAD]
    for topic in topics:
        of_topic = [code for code in codes if code.topic == topic]
        parts.append(f"**{topic}**: " + " · ".join(f"[{code.name}](#{code.name})" for code in of_topic) + "\n")
    for topic in topics:
        parts += [f"## {topic}\n", *(_section(code) for code in codes if code.topic == topic)]
    return "\n".join(parts)


def _section(code: Code) -> str:
    lines = [f"### {code.name}\n", f"{code.meaning}\n"]
    lines += [f"{code.explanation}\n"] if code.explanation else []
    lines.append(_fenced(code.wrong, f"{'warns' if code.severity == 'warning' else 'wrong'} {code.name}"))
    if code.wrong.kind == SPEC:
        lines.append(f"```text\n{message(code.wrong)}\n```\n")
    if code.right is not None:
        lines += ["Mended:\n", _fenced(code.right)]
    return "\n".join(lines)


def _fenced(example: Example, claim: str = "") -> str:
    """An example as a block of the page; what is said of a spec holds under the usual limits only."""
    if example.kind != SPEC:
        return f"```{example.kind}\n{example.text}```\n"
    if example.limits:
        options = " ".join(f"--{name} {value}" for name, value in example.limits.items())
        return f"With `{options}`:\n\n```text\n{example.text}```\n"
    return f"```{f'cnn {FILE} {claim}' if claim else 'cnn'}\n{example.text}```\n"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())


def _strong(text: str, color: bool) -> str:
    return f"\x1b[1m{text}\x1b[0m" if color else text


if __name__ == "__main__":
    print(page(), end="")
