"""What a page remembers of its settings between two runs of the script, in the session and in the address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import streamlit as st

from dosegrade.errors import DosegradeError
from dosegrade.web import address

T = TypeVar("T")


@dataclass(frozen=True)
class Memory(Generic[T]):
    """The settings of a page as one value; its widgets stand under `<page>.set.<name>`.

    `first` is what a newcomer sees; `read` makes a value of an address, DosegradeError in a sentence where there is none, and `write` the
    shortest address of a value; `what` names the value in sentences.
    """

    page: str
    first: T
    read: Callable[[Mapping[str, str]], T]
    write: Callable[[T], Mapping[str, str]]
    what: str

    def key(self, name: str) -> str:
        """Where the session keeps something of this page."""
        return f"{self.page}.{name}"

    @property
    def chosen(self) -> T:
        """The last value that made sense."""
        value = st.session_state.get(self.key("now"))
        return value if isinstance(value, type(self.first)) else self.first

    def put(self, value: T) -> None:
        """Take a value that made sense; the widgets stay as they are."""
        st.session_state[self.key("now")] = value

    def load(self, value: T) -> None:
        """Put a value into the widgets. Only before they are drawn, or in a callback."""
        for key in self._widgets():
            del st.session_state[key]
        self.put(value)

    def _widgets(self) -> list[str]:
        return [str(key) for key in st.session_state if str(key).startswith(self.key("set."))]

    def held(self, name: str, value: Any) -> dict[str, Any]:
        """Keywords that tie a widget to the session; where the session holds nothing yet, it takes `value`."""
        key = self.key(f"set.{name}")
        st.session_state.setdefault(key, value)
        return {"key": key, "on_change": self.touch}

    def offer(self, label: str, titles: Mapping[str, str], name: str | None, make: Callable[[str], T]) -> None:
        """Prepared values as pills by name, with `name` pressed; the one that the reader presses is made and loaded."""
        key = self.key("preset")
        st.session_state[key] = name
        take, called = self._take, titles.__getitem__
        st.pills(label, list(titles), format_func=called, key=key, on_change=take, args=(make,), label_visibility="collapsed")

    def _take(self, make: Callable[[str], T]) -> None:
        name = st.session_state.get(self.key("preset"))
        try:
            if name is not None:
                self.load(make(name))
            self.touch()
        except DosegradeError as problem:
            self.complain(problem)

    def touch(self) -> None:
        """The reader changed something: what the address bar still says is old."""
        address.touch(self.page)
        st.session_state.pop(self.key("complaint"), None)

    def complain(self, problem: object) -> None:
        """Why something could not be shown; it stays until the reader changes something."""
        st.session_state[self.key("complaint")] = f"{problem} Shown instead: the last {self.what} that worked."

    def follow_link(self) -> None:
        """Take the value from a new address; where it cannot be read, say why and keep the last one."""
        returning = self.key("now") in st.session_state and not self._widgets()
        query = address.arrived(self.page)
        if query is None or (returning and not query):
            return
        st.session_state.pop(self.key("complaint"), None)
        try:
            self.load(self.read(query))
        except DosegradeError as problem:
            self.load(self.chosen)
            self.complain(f"This link cannot be used as it is. {problem}")

    def settle(self, draw: Callable[[T], T]) -> T:
        """The value that the widgets describe, drawn from the last one by `draw`; where there is none, a sentence."""
        before, place = self.chosen, st.container()
        try:
            value = draw(before)
        except DosegradeError as problem:
            place.warning(f"{problem} Shown is the last {self.what} that worked.", icon=":material/error:")
            return before
        if value != before:
            self.put(value)
            st.session_state.pop(self.key("complaint"), None)
        return value

    def show_address(self, value: T) -> None:
        """The value in the address bar, or the sentence on what could not be shown."""
        if self.key("complaint") in st.session_state:
            st.warning(st.session_state[self.key("complaint")], icon=":material/link_off:")
        else:
            address.put(self.page, self.write(value))
