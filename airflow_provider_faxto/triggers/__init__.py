"""The trigger that waits for a fax without a worker."""

from __future__ import annotations
