"""A registry is a read-only table of named things; asking it for a name that it lacks says which name was meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Generic, TypeVar

from dosegrade.errors import SpecError

T = TypeVar("T")


class UnknownName(SpecError, KeyError):
    """A name that is in no table; the text lists what there is."""

    def __str__(self) -> str:
        return str(self.args[0])


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?`, or nothing where no known name is near."""
    import difflib

    close = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return f" Did you mean '{close[0]}'?" if close else ""


class Registry(Mapping[str, T], Generic[T]):
    """Entries by name, with old names as aliases; `noun` names what is looked up in messages."""

    def __init__(self, noun: str, entries: Mapping[str, T], aliases: Mapping[str, str] | None = None) -> None:
        self.noun = noun
        self._entries = dict(entries)
        self.aliases = dict(aliases or {})

    def __getitem__(self, name: str) -> T:
        try:
            return self._entries[self.aliases.get(name, name)]
        except (KeyError, TypeError):
            hint = did_you_mean(str(name), [*self, *self.aliases])
            raise UnknownName(f"There is no {self.noun} called {name!r}.{hint} There are: {', '.join(self)}.") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


class LazyRegistry(Registry[T]):
    """A registry whose entries are `module:name`, each imported when it is first asked for: a quick command loads only what it uses."""

    def __init__(self, noun: str, entries: Mapping[str, str]) -> None:
        super().__init__(noun, {})
        self._places = dict(entries)

    def __getitem__(self, name: str) -> T:
        if isinstance(name, str) and name in self._places and name not in self._entries:
            module, attribute = self._places[name].split(":")
            self._entries[name] = getattr(import_module(module), attribute)
        return super().__getitem__(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
