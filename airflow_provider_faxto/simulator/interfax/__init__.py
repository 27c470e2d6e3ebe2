"""InterFAX and ExtraFax Cloud on loopback."""

from __future__ import annotations
