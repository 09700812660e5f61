"""One measured figure, judged by its ratio to a reference of the same run and never alone."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Row"]


@dataclass(frozen=True, slots=True)
class Row:
    """A figure beside its reference."""

    name: str
    value: float
    unit: str
    reference: float
    goal: float
    """The ratio that must be reached by a rate, and not exceeded by a time."""
    limit: float | None = None
    """What the figure itself must reach or not exceed too, where that was promised."""

    @property
    def ratio(self) -> float:
        """The figure divided by its reference."""
        return self.value / self.reference if self.reference else float("inf")

    @property
    def at_most(self) -> bool:
        """Whether little is wanted: true for times, false for what is counted per second."""
        return not self.unit.endswith("/s")

    @property
    def met(self) -> bool:
        """Whether the goal holds."""
        limit = self.value if self.limit is None else self.limit
        if self.at_most:
            return self.ratio <= self.goal and self.value <= limit
        return self.ratio >= self.goal and self.value >= limit

    def as_dict(self) -> dict[str, str | float | bool]:
        """Return what build/bench.json holds."""
        return {
            "name": self.name,
            "value": round(self.value, 3),
            "unit": self.unit,
            "reference": round(self.reference, 3),
            "ratio": round(self.ratio, 3),
            "goal": self.goal,
            "met": self.met,
        }
