"""The operators: one sends a fax, one branches on what became of it."""

from __future__ import annotations
