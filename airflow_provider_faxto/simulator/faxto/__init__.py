"""Fax.to on loopback."""

from __future__ import annotations
