"""XML of untrusted origin as a tree, and trees as bytes: no entities, nothing fetched, depth and size bounded."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from dosegrade.errors import SpecError

Element = ElementTree.Element
MAX_BYTES = 20 << 20
MAX_ELEMENTS = 100_000
MAX_DEPTH = 60


class Bounded(ElementTree.TreeBuilder):
    """Builds a tree, names without their name space; SpecError where there is too much of it."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0
        self.depth = 0

    def start(self, tag: Any, attrs: Any, /) -> Element:
        self.elements += 1
        self.depth += 1
        if self.elements > MAX_ELEMENTS or self.depth > MAX_DEPTH:
            raise SpecError(f"it has more than {MAX_ELEMENTS} elements, or more than {MAX_DEPTH} one inside another; split it.")
        return super().start(tag.rpartition("}")[2], attrs)

    def end(self, tag: Any, /) -> Element:
        self.depth -= 1
        return super().end(tag.rpartition("}")[2])


def tree(data: bytes) -> Element:
    """The root; SpecError where it is no XML or could do harm."""
    if len(data) > MAX_BYTES:
        raise SpecError(f"it is larger than {MAX_BYTES >> 20} MB; split it.")
    parser = DefusedXMLParser(target=Bounded(), forbid_dtd=False, forbid_entities=True, forbid_external=True)
    try:
        parser.feed(data)
        root = parser.close()
    except DefusedXmlException as error:
        raise SpecError(f"it defines or refers to entities ({type(error).__name__}), which are never followed; export it anew.") from error
    except (SyntaxError, ValueError, LookupError) as error:
        raise SpecError(f"it is no well-formed XML: {error}. Export it anew.") from error
    assert isinstance(root, Element)
    return root


def said(parent: Element | None, path: str) -> str:
    """The text of the first element at a path, blanks around it taken off."""
    found = None if parent is None else parent.find(path)
    return "" if found is None else (found.text or "").strip()


def leaf(parent: Element, tag: str, text: str = "", **attributes: str) -> Element:
    """A child with a text."""
    made = ElementTree.SubElement(parent, tag, attributes)
    made.text = text or None
    return made


def written(root: Element) -> bytes:
    """The bytes of a file, indented."""
    ElementTree.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode").encode() + b"\n"
