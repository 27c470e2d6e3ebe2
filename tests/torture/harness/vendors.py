"""The vendors of the rounds: their test numbers, their calls, and how late they may be. No other list is kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Vendor:
    """One vendor, as the harness needs it.

    :param scenarios: test numbers by what becomes of the fax.
    :param weight: how often a round has this vendor.
    :param look_ups: the calls of a look-up.
    :param status_calls: the calls that tell a fax's status.
    :param uploads: the calls that upload a large document.
    :param uploads_all: whether every document is uploaded before it is sent.
    :param lags: the settings that say how late a new fax shows in a look-up.
    :param cancels: whether a fax can be canceled.
    :param tells_labels: whether a record that tells the status tells the fax's label as well.
    """

    scenarios: dict[str, str]
    weight: int
    look_ups: tuple[str, ...]
    status_calls: tuple[str, ...]
    uploads: tuple[str, ...]
    uploads_all: bool
    lags: tuple[str, ...]
    cancels: bool
    tells_labels: bool


def _interfax(weight: int) -> Vendor:
    return Vendor(
        scenarios={
            "ok": "+12025550100",
            "no_answer": "+99999993931",
            "busy": "+9999999263",
            "breaks_off": "+99999993223",
            "file_error": "+9999999204000",
            "never_ends": "+12025550106",
            "undocumented": "+99999994242",
        },
        weight=weight,
        look_ups=("search",),
        status_calls=("status", "completed"),
        uploads=("session_create", "session_chunk"),
        uploads_all=False,
        lags=("interfax_search_lag",),
        cancels=True,
        tells_labels=True,
    )


VENDORS = {
    "faxto": Vendor(
        scenarios={
            "ok": "+12025550100",
            "no_answer": "+12025550101",
            "busy": "+12025550102",
            "file_error": "+12025550104",
            "never_ends": "+12025550106",
            "undocumented": "+12025550107",
            "refused": "+12025550111",
        },
        weight=5,
        look_ups=("history", "files"),
        status_calls=("status",),
        uploads=("upload",),
        uploads_all=True,
        lags=("faxto_history_lag", "faxto_files_lag"),
        cancels=False,
        tells_labels=False,
    ),
    "interfax": _interfax(5),
    "extrafax": _interfax(1),
}
"""By connection type."""

FAILED_FOR_SURE = {"no_answer", "busy", "file_error", 3931, 263, 3223, 204000, 403}
"""The final states that the scenarios may have and that say that the fax did not arrive."""

CANCELED = 403
"""The final state of a canceled fax."""
