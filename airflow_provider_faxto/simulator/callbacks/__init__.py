"""What only callbacks and received faxes need."""

from __future__ import annotations
