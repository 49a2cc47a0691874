"""Quiz texts as the page's Markdown takes them, and other people's texts made harmless in it."""

from __future__ import annotations

import re

PLAIN = str.maketrans({c: "\\" + c for c in r"\`*_{}[]()<>#+-.!|~$:^="})
_DISPLAY = re.compile(r"\s*\$\$(.+?)\$\$\s*", re.DOTALL)
_GAP = re.compile(r"\\q?quad(?![A-Za-z])")
_INLINE = re.compile(r"(?<![\\$])\$(?!\$)([^$]+)\$(?!\$)")


def markdown(text: str) -> str:
    """A quiz's text: a formula of its own stands in its own block, one in a sentence on one line, whatever the file's line breaks."""
    joined = _INLINE.sub(lambda match: f"${one_line(match[1])}$", text.strip())
    return _DISPLAY.sub(lambda match: f"\n\n$$\n{narrow(match[1])}\n$$\n\n", joined)


def narrow(formula: str) -> str:
    """A formula of several side by side with each in its own row, so that it fits a phone."""
    line = one_line(formula)
    parts = [part.strip() for part in _GAP.split(line)]
    whole = not re.search(r"\\(begin|left)\b|&", line) and all(part.count("{") == part.count("}") for part in parts)
    return r"\begin{aligned} & " + r" \\ & ".join(parts) + r" \end{aligned}" if whole and len(parts) > 1 else line


def one_line(text: str) -> str:
    """Blanks and line breaks as single blanks."""
    return " ".join(text.split())


def plain(text: str) -> str:
    """A text inside Markdown as it stands: every sign of Markdown escaped, on one line."""
    return one_line(text).translate(PLAIN)


def option(name: str, text: str) -> str:
    """An option's letter and text, on one line."""
    line = one_line(text)
    return name.capitalize() if name == line else f"**{name}**\u2002{line}"


def heading(text: str) -> str:
    """A row's or column's name: `z_A` reads z A, a bare number [0]."""
    return f"[{text}]" if text.isdigit() else text if "$" in text else text.replace("_", " ")


def sentence(text: str) -> str:
    """With a capital letter and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")
