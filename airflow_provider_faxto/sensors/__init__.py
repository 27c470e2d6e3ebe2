"""The sensor that waits for a fax."""

from __future__ import annotations
