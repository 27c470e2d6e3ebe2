"""Waiting for fax jobs that were sent: whom to ask next, what an answer means, when a wait ends."""

from __future__ import annotations
