"""Texts of a quiz, which are Markdown with `$…$` formulas, as HTML, and HTML of other systems as such texts.

Both ways run in time proportional to the text, whatever it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import escape, unescape

Formula = Callable[[str, bool], str]
MARKS = "\ue000\ue001"
_SPAN = re.compile(
    r"```[^\n`]*\n(?P<block>[^`]*)```|`(?P<code>[^`\n]+)`|\$\$(?P<display>[^$]+)\$\$|\$(?P<inline>[^$\s](?:[^$]*[^$\s])?)\$"
    r"|\\(?P<escaped>[!-/:-@\[-`{-~])"
)
_PLACE = re.compile("\ue000(\\d+)\ue001")
_BOLD = re.compile(r"\*\*(?=\S)([^*]+)(?<=\S)\*\*")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*]+)(?<=\S)\*(?![\w*])|(?<!\w)_(?=[^\s_])([^_]+)(?<=\S)_(?!\w)")
_BULLET = re.compile(r"(?:[-*+]|\d{1,9}[.)])\s+")


def tex(formula: str, display: bool) -> str:
    r"""A formula as MathJax in learning systems reads it: `\( \)` or `\[ \]`."""
    body = escape(" ".join(formula.split()), quote=False)
    return f"\\[{body}\\]" if display else f"\\({body}\\)"


def html(text: str, formula: Formula = tex) -> str:
    """A text as HTML on one line; whatever is put in is escaped."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(span(match, formula))
        return f"\ue000{len(kept) - 1}\ue001"

    body = _SPAN.sub(keep, text.translate(dict.fromkeys(map(ord, MARKS))))
    blocks = "".join(block(lines) for lines in paragraphs(body))
    return _PLACE.sub(lambda m: kept[int(m[1])], blocks)


def span(match: re.Match[str], formula: Formula) -> str:
    """A formula, code or escaped sign as HTML."""
    if match["block"] is not None:
        return "<pre>" + escape(match["block"].rstrip(), quote=False).replace("\n", "<br>") + "</pre>"
    if match["code"] is not None:
        return f"<code>{escape(match['code'], quote=False)}</code>"
    if match["escaped"] is not None:
        return escape(match["escaped"], quote=False)
    return formula(match["display"] or match["inline"], match["display"] is not None)


def inline_html(text: str, formula: Formula = tex) -> str:
    """A short text as HTML, without a paragraph around it."""
    made = html(text, formula)
    inner = made.removeprefix("<p>").removesuffix("</p>")
    return inner if "<p>" not in inner and made.startswith("<p>") else made


def line(text: str, formula: Formula = tex) -> str:
    """A label as HTML: no paragraph, list or table."""
    return html("\ue008" + " ".join(text.split()), formula).replace("\ue008", "").removeprefix("<p>").removesuffix("</p>")


def paragraphs(text: str) -> Iterator[list[str]]:
    """The lines between blank ones."""
    lines: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.strip():
            lines.append(line.strip())
        elif lines:
            yield lines
            lines = []


def block(lines: list[str]) -> str:
    """A paragraph, list or table."""
    if all(line.startswith("|") for line in lines) and len(lines) > 1:
        return table(lines)
    if _BULLET.match(lines[0]) and sum(map(bool, map(_BULLET.match, lines))) > 1:
        return listing(lines)
    return f"<p>{emphasised(' '.join(lines))}</p>"


def listing(lines: list[str]) -> str:
    """A list; a line without a bullet goes on with the one before."""
    entries: list[str] = []
    for line in lines:
        found = _BULLET.match(line)
        if found:
            entries.append(line[found.end() :])
        else:
            entries[-1] += " " + line
    tag = "ol" if lines[0][0].isdigit() else "ul"
    return f"<{tag}>{''.join(f'<li>{emphasised(entry)}</li>' for entry in entries)}</{tag}>"


def table(lines: list[str]) -> str:
    """A table, its first row the head where a rule follows."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rule = all(set(cell) <= set("-: ") for cell in rows[1])
    made = []
    for k, row in enumerate(rows):
        if not (rule and k == 1):
            tag = "th" if rule and k == 0 else "td"
            made.append("<tr>" + "".join(f"<{tag}>{emphasised(cell)}</{tag}>" for cell in row) + "</tr>")
    return f"<table>{''.join(made)}</table>"


def emphasised(text: str) -> str:
    """Bold and italics."""
    bold = _BOLD.sub(r"<strong>\1</strong>", escape(text, quote=False))
    return _EMPHASIS.sub(lambda m: f"<em>{m[1] or m[2]}</em>", bold)


def plain(text: str) -> str:
    r"""A text where no markup is shown: on one line, formulas as `\(…\)`."""
    return unescape(re.sub(r"<[a-z/]+>", " ", inline_html(text, tex))).strip()


_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})([^<>]{0,4000})>|<[!?][^<>]{0,4000}>")
_BLOCKS = frozenset(("p", "div", "ul", "ol", "table", "tr", "blockquote", "section", "article", "pre", "h1", "h2", "h3", "h4", "h5", "h6"))
_SIGNS = {"b": "**", "strong": "**", "i": "*", "em": "*", "code": "`", "tt": "`"}
_EQUATION = re.compile(r"data-equation-content=\"([^\"]*)\"|\btitle=\"([^\"]*)\"|\balt=\"(?:LaTeX: ?)?([^\"]*)\"")
_ALT = re.compile(r"\balt=\"([^\"]*)\"")
_DELIMITERS = re.compile(r"(\\\(|\\\)|\\\[|\\\]|\$\$)")
_CLOSE = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
_SPECIAL = re.compile(r"[`$*]|\\(?=[!-/:-@\[-`{-~])|(?<!\w)_(?=[^\s_])|(?<=[^\s_])_(?!\w)")
# Signs that this module puts in itself, so that they differ from those in the text.
_OWN = {"**": "\ue002", "*": "\ue003", "`": "\ue004", "$": "\ue005", "\n\n": "\ue006", "\n": "\ue007"}


class Read:
    """HTML as a text; `images` counts those that could not be taken."""

    def __init__(self, source: str, breaks: bool = False) -> None:
        self.images = 0
        self.hidden = 0
        source = re.sub("[\ue000-\ue007]", "", without_comments(source))
        pieces: list[str] = []
        end = 0
        for match in _TAG.finditer(source):
            pieces += [self.words(source[end : match.start()], breaks), self.tag(match)]
            end = match.end()
        pieces.append(self.words(source[end:], breaks))
        self.text = settled("".join(pieces))

    def words(self, raw: str, breaks: bool) -> str:
        """Text between tags."""
        if self.hidden:
            return ""
        text = unescape(raw)
        if breaks:
            text = text.replace("\n", _OWN["\n"])
        return re.sub(r"[ \t\n\r\f]+", " ", text)

    def tag(self, match: re.Match[str]) -> str:
        """What a tag leaves."""
        name, closing = (match[2] or "").lower(), match[1] == "/"
        if name in ("script", "style"):
            self.hidden = max(0, self.hidden + (-1 if closing else 1))
        if self.hidden or not name:
            return ""
        if name == "img":
            return self.image(match[3])
        if name == "br":
            return _OWN["\n"]
        if name == "li":
            return "" if closing else _OWN["\n"] + "- "
        if name in ("sub", "sup"):
            return "" if closing else {"sub": "_", "sup": "^"}[name]
        if name in ("td", "th"):
            return " "
        return _OWN["\n\n"] if name in _BLOCKS else _OWN.get(_SIGNS.get(name, ""), "")

    def image(self, attributes: str) -> str:
        """A formula that is an image, or a note where an image was."""
        found = _EQUATION.search(attributes) if "equation_image" in attributes else None
        if found:
            formula = unescape(found[1] or found[2] or found[3] or "").replace("$", "")
            return f"{_OWN['$']}{formula}{_OWN['$']}"
        self.images += 1
        alt = _ALT.search(attributes)
        return f" (image{': ' + unescape(alt[1]) if alt else ''}) "


def without_comments(source: str) -> str:
    """The text without `<!-- … -->`."""
    kept, end = [], 0
    while (start := source.find("<!--", end)) >= 0 and (stop := source.find("-->", start + 4)) >= 0:
        kept.append(source[end:start])
        end = stop + 3
    return "".join([*kept, source[end:]])


def settled(text: str) -> str:
    r"""`\(…\)` as `$…$`, signs of Markdown in words escaped, then the marks put in."""
    made: list[str] = []
    parts = iter(_DELIMITERS.split(text))
    made.append(escaped(next(parts)))
    waiting: list[str] | None = None
    opened = ""
    for delimiter, words in zip(parts, parts, strict=True):
        if waiting is not None and delimiter == _CLOSE[opened]:
            made.append(formula_of("".join(waiting), opened) + escaped(words))
            waiting = None
        elif delimiter in _CLOSE:
            if waiting is not None:
                made.append(escaped(opened + "".join(waiting)))
            opened, waiting = delimiter, [words]
        elif waiting is not None:
            waiting += [delimiter, words]
        else:
            made.append(escaped(delimiter + words))
    if waiting is not None:
        made.append(escaped(opened + "".join(waiting)))
    return spaced("".join(made))


def formula_of(body: str, opened: str) -> str:
    """A formula between dollars."""
    for mark in _OWN.values():
        body = body.replace(mark, " ")
    body = " ".join(body.replace("$", "").split())
    sign = _OWN["$"] * (1 if opened == "\\(" else 2)
    return f"{sign}{body}{sign}" if body else ""


def escaped(words: str) -> str:
    """Words whose signs would be markup, with a backslash before them."""
    return _SPECIAL.sub(lambda m: "\\" + m[0], words)


def spaced(text: str) -> str:
    """The marks as what they stand for, blank lines single."""
    for sign, mark in _OWN.items():
        text = text.replace(mark, sign)
    lines = [" ".join(line.split(" ")).strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
