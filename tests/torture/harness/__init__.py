"""The torture harness: real task runs, real processes, faults at every boundary, and the simulator as the judge."""

from __future__ import annotations
