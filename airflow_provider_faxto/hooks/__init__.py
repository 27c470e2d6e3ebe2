"""The hooks: an Airflow connection in, typed calls out."""

from __future__ import annotations
