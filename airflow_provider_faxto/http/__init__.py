"""Requests out, responses in: the only room that touches the network. What a fax job is, is not known here."""

from __future__ import annotations
