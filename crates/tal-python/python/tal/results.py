"""Figures as attributes, dicts and tables."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

__all__ = ["Result"]

# Entries that a table has no room for.
_MAX_ROWS = 40


class Result:
    """Figures of an evaluation or a measure.

    `result.name` and `result["name"]` give a figure, `to_dict` all of them as plain Python values. Notebooks show a table.
    """

    def __init__(self, kind: str, figures: dict[str, Any]) -> None:
        self._kind = kind
        self._figures = figures

    def to_dict(self) -> dict[str, Any]:
        """All figures, in lists and dicts."""
        return self._figures

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return _wrapped(self._figures[name])
        except KeyError:
            known = ", ".join(self._figures)
            raise AttributeError(f"{self._kind} has no figure {name!r}; it has {known}") from None

    def __getitem__(self, name: str) -> Any:
        return self._figures[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._figures)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._figures]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Result) and self._figures == other._figures

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={_short(value)}" for name, value in self._figures.items())
        return f"{self._kind}({shown})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{html.escape(name)}</th><td>{_cell(value)}</td></tr>" for name, value in self._figures.items()
        )
        return f"<table><caption>{html.escape(self._kind)}</caption>{rows}</table>"


def _wrapped(value: Any) -> Any:
    return Result("figures", value) if isinstance(value, dict) and all(isinstance(key, str) for key in value) else value


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, list):
        if len(value) > 10 or any(isinstance(item, (list, dict)) for item in value):
            return f"[{len(value)} entries]"
        return "[" + ", ".join(_short(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(value) + "}"
    return repr(value)


def _cell(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        head = "".join(f"<th>{html.escape(str(key))}</th>" for key in value[0])
        rows = "".join(
            "<tr>" + "".join(f"<td>{_cell(item)}</td>" for item in row.values()) + "</tr>" for row in value[:_MAX_ROWS]
        )
        more = f"<p>and {len(value) - _MAX_ROWS} more</p>" if len(value) > _MAX_ROWS else ""
        return f"<table><tr>{head}</tr>{rows}</table>{more}"
    if isinstance(value, dict):
        return "".join(f"{html.escape(str(key))}: {_cell(item)}<br>" for key, item in value.items())
    return html.escape(_short(value))
