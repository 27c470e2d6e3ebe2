"""Sending a logical fax once: look it up, decide, send, look it up again."""

from __future__ import annotations
