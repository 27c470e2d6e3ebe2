"""A wall clock that can be set for the triggerers alone: a file says by how many seconds it is off."""

from __future__ import annotations

import mmap
import os
import struct
import time
from pathlib import Path

_real = time.time
_given = os.environ.get("FAX_CHAOS_CLOCK")

if _given:
    with Path(_given).open("rb") as _file:
        _off = mmap.mmap(_file.fileno(), 8, access=mmap.ACCESS_READ)

    def _shifted() -> float:
        return _real() + struct.unpack("d", _off)[0]

    time.time = _shifted
