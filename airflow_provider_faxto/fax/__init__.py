"""The language of fax: outcomes, causes, statuses, status codes, numbers, documents and errors.

Nothing here knows Airflow, and nothing here reads a file or opens a connection, so every value and every
rule can be tested by itself. The rest of the package speaks in these words only.
"""

from __future__ import annotations

from airflow_provider_faxto.fax.codes import StatusCode, classify_code, describe_code
from airflow_provider_faxto.fax.options import SendOptions
from airflow_provider_faxto.fax.outcome import FaxCause, FaxOutcome
from airflow_provider_faxto.fax.status import FaxStatus

__all__ = [
    "FaxCause",
    "FaxOutcome",
    "FaxStatus",
    "SendOptions",
    "StatusCode",
    "classify_code",
    "describe_code",
]
