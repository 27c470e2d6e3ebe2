"""The timeline of a fax as a value: which states it passes through, for how long, and how it ends.

A fax's state is a pure function of its timeline and of the time since it was accepted, computed at each request. So
ten thousand waiting faxes cost nothing between requests, and moving the clock moves them all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

__all__ = ["FaxState", "Moment", "Stage", "Timeline"]

FaxState = int | str
"""InterFAX's status code, or the name of a scenario at Fax.to."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One state that a fax passes through.

    :param state: the state.
    :param seconds: how long it lasts, in simulated seconds; infinite for a fax that never ends.
    :param attempts: how often the vendor has dialled by then, the running call included.
    """

    state: FaxState
    seconds: float
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Moment:
    """The state of a fax at one moment.

    :param state: the state at that moment.
    :param is_final: whether it can no longer change.
    :param attempts: how often the vendor has dialled.
    :param pages_sent: pages that the receiving machine has confirmed; 0 until the end.
    """

    state: FaxState
    is_final: bool
    attempts: int
    pages_sent: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """All states of a fax, from acceptance to end.

    :param stages: the states before the end, in order.
    :param final: the state in which it ends. It has no meaning if a stage lasts for ever.
    :param pages_sent: pages that the receiving machine has confirmed at the end.
    :param delivered: whether the whole fax has arrived at the end.
    """

    stages: tuple[Stage, ...]
    final: FaxState
    pages_sent: int = 0
    delivered: bool = False

    @property
    def seconds(self) -> float:
        """How long the fax takes to its end; infinite if it never ends."""
        return math.fsum(stage.seconds for stage in self.stages)

    @property
    def ends(self) -> bool:
        """Whether the fax ever reaches a final state."""
        return math.isfinite(self.seconds)

    def at(self, elapsed: float) -> Moment:
        """Give the state at a moment.

        :param elapsed: simulated seconds since the fax was accepted.
        :return: the state at that moment.
        """
        remaining = elapsed
        for stage in self.stages:
            if remaining < stage.seconds:
                return Moment(stage.state, is_final=False, attempts=stage.attempts, pages_sent=0)
            remaining -= stage.seconds
        return self.end

    @property
    def end(self) -> Moment:
        """The moment in which the fax ends, whenever that is. It has no meaning if a stage lasts for ever."""
        attempts = self.stages[-1].attempts if self.stages else 0
        return Moment(self.final, is_final=True, attempts=attempts, pages_sent=self.pages_sent)

    def ended(self, elapsed: float, final: FaxState) -> Timeline:
        """Let the fax end early and without delivery.

        :param elapsed: when, in seconds since it was accepted.
        :param final: the state in which it ends.
        :return: the changed timeline: the same until then, final from then on.
        """
        return replace(self, stages=self._until(elapsed), final=final, pages_sent=0, delivered=False)

    def continued(self, elapsed: float, rest: Timeline) -> Timeline:
        """Let the fax take another course.

        :param elapsed: when, in seconds since it was accepted.
        :param rest: what happens from then on.
        :return: the changed timeline: the same until then, ``rest`` from then on.
        """
        return replace(rest, stages=self._until(elapsed) + rest.stages)

    def _until(self, elapsed: float) -> tuple[Stage, ...]:
        kept: list[Stage] = []
        remaining = elapsed
        for stage in self.stages:
            if remaining <= 0:
                break
            kept.append(replace(stage, seconds=min(stage.seconds, remaining)))
            remaining -= stage.seconds
        return tuple(kept)
