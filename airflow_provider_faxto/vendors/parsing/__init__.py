"""Reading what vendors send, for all vendors in one place: tolerant of its form, never of its meaning.

Every reader takes what came over the wire and gives a typed value, ``None`` where the value is absent or cannot be
what it should be, or ``FaxUnreadableAnswerError`` where nothing can be made of the answer.

* :mod:`airflow_provider_faxto.vendors.parsing.body`: JSON, whole numbers, counts, money,
* :mod:`airflow_provider_faxto.vendors.parsing.text`: texts fit to be stored and shown, without secrets and numbers,
* :mod:`airflow_provider_faxto.vendors.parsing.times`: moments, the vendor's clock, how long it asks to wait,
* :mod:`airflow_provider_faxto.vendors.parsing.checks`: recipients, ids, documents, and what a connection gives,
* :mod:`airflow_provider_faxto.vendors.parsing.options`: what one sets for a fax.
"""

from __future__ import annotations

from airflow_provider_faxto.vendors.parsing.body import (
    UNREADABLE,
    as_count,
    as_int,
    as_money,
    decode_json,
    read_json,
)
from airflow_provider_faxto.vendors.parsing.checks import (
    check_documents,
    check_job_id,
    check_type,
    is_loopback,
    is_plain_type,
    is_same_recipient,
    read_code_outcomes,
    read_credential,
)
from airflow_provider_faxto.vendors.parsing.options import (
    read_option_choice,
    read_option_count,
    read_option_switch,
    read_option_text,
)
from airflow_provider_faxto.vendors.parsing.text import (
    as_label,
    as_reference,
    as_text,
    has_lost_letters,
    private_texts,
    scrub,
)
from airflow_provider_faxto.vendors.parsing.times import (
    as_exact_utc,
    as_utc,
    is_before,
    read_date,
    read_retry_after,
)

__all__ = [
    "UNREADABLE",
    "as_count",
    "as_exact_utc",
    "as_int",
    "as_label",
    "as_money",
    "as_reference",
    "as_text",
    "as_utc",
    "check_documents",
    "check_job_id",
    "check_type",
    "decode_json",
    "has_lost_letters",
    "is_before",
    "is_loopback",
    "is_plain_type",
    "is_same_recipient",
    "private_texts",
    "read_code_outcomes",
    "read_credential",
    "read_date",
    "read_json",
    "read_option_choice",
    "read_option_count",
    "read_option_switch",
    "read_option_text",
    "read_retry_after",
    "scrub",
]
