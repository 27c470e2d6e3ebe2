"""The simulated Fax.to's received faxes and the numbers that receive them, to read only.

Both lists are empty until a test adds to them. They are the only ones of the vendor with ``meta.pagination``. The order
of the rows, and the response for another account's number, are inference.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from starlette.responses import JSONResponse

from airflow_provider_faxto.simulator.clock import utc
from airflow_provider_faxto.simulator.faxto.responses import (
    RefusedError,
    as_number,
    carbon_date,
    page_asked,
    read_number,
    server_name,
    versioned,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.responses import Response

    from airflow_provider_faxto.simulator.dispatch import Call, Endpoint
    from airflow_provider_faxto.simulator.state import State

__all__ = ["FaxNumber", "IncomingFax", "Receiving"]

_Item = TypeVar("_Item")

_YEAR = 365 * 86_400.0
_GROUP = 67
"""The group of numbers in the vendor's sample; the list of groups is not simulated."""


@dataclass(frozen=True, slots=True)
class FaxNumber:
    """A number at which a Fax.to account receives.

    :param id: the id of its row.
    :param digits: its digits, country code first.
    :param country_code: three letters.
    :param country: the country's name.
    :param area_code: the area's code.
    :param added_at: when the account got it, in simulated time.
    """

    id: int
    digits: str
    country_code: str
    country: str
    area_code: str
    added_at: float


@dataclass(frozen=True, slots=True)
class IncomingFax:
    """A fax that a Fax.to account has received.

    :param id: the id of its row.
    :param number: the number that received it.
    :param sender: the digits of the number that it came from.
    :param pages: its pages.
    :param received_at: when it came, in simulated time.
    """

    id: int
    number: FaxNumber
    sender: str
    pages: int
    received_at: float


class Receiving:
    """The calls on incoming faxes and numbers.

    :param state: the simulator's state.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        # Where the ranges begin follows the vendor's published samples. As a fax's, these go on rising after a reset.
        self._number_ids = count(7_745_147)
        self._incoming_ids = count(772)
        self._numbers: dict[str, list[FaxNumber]] = {}
        self._incoming: dict[str, list[IncomingFax]] = {}

    def clear(self) -> None:
        """Forget all numbers and received faxes."""
        self._numbers.clear()
        self._incoming.clear()

    def endpoints(self) -> list[Endpoint]:
        """List the calls; Fax.to checks the key as for all its calls.

        :return: the calls, which only version 2 has.
        """
        return [
            versioned("incoming", "GET", "/incoming-faxes", self._list_incoming, versions=("v2",)),
            versioned("incoming", "GET", "/incoming-faxes/{number}", self._list_incoming, versions=("v2",)),
            versioned("numbers", "GET", "/numbers", self._list_numbers, versions=("v2",)),
        ]

    def add_number(
        self, number: str, *, country_code: str, country: str, area_code: str, account: str | None
    ) -> FaxNumber:
        """Give an account a number; called under the lock.

        :param number: the number, country code first.
        :param country_code: three letters.
        :param country: the country's name.
        :param area_code: the area's code.
        :param account: the account's name; ``None`` for the first one.
        :return: the number.
        :raises ValueError: if there is no such account, or ``number`` is not a fax number.
        """
        user = self._account(account)
        added = FaxNumber(
            id=next(self._number_ids),
            digits=_digits(number),
            country_code=country_code,
            country=country,
            area_code=area_code,
            added_at=self._state.clock.now(),
        )
        self._numbers.setdefault(user, []).append(added)
        return added

    def receive(self, number: str, sender: str, *, pages: int, account: str | None) -> IncomingFax:
        """Let a fax come in; called under the lock.

        :param number: a number of the account.
        :param sender: the number that it comes from.
        :param pages: its pages.
        :param account: the account's name; ``None`` for the first one.
        :return: the fax.
        :raises ValueError: if there is no such account, the account has no such number, ``sender`` is not a fax
            number, or ``pages`` is not a whole number above zero.
        """
        user = self._account(account)
        digits = _digits(number)
        own = next((own for own in self._numbers.get(user, ()) if own.digits == digits), None)
        if own is None:
            raise ValueError("The account has no such number: add it first.")
        if not isinstance(pages, int) or isinstance(pages, bool) or pages < 1:
            raise ValueError("pages must be a whole number above zero.")
        received = IncomingFax(
            id=next(self._incoming_ids),
            number=own,
            sender=_digits(sender),
            pages=pages,
            received_at=self._state.clock.now(),
        )
        self._incoming.setdefault(user, []).append(received)
        return received

    def _account(self, name: str | None) -> str:
        accounts = self._state.accounts.faxto
        user = name if name is not None else next(iter(accounts), None)
        if user is None or user not in accounts:
            raise ValueError("Fax.to has no such account.")
        return user

    def _list_incoming(self, call: Call) -> Response:
        rows = list(enumerate(self._incoming.get(call.user, ()), 1))[::-1]
        if "number" in call.path:
            digits = read_number(call.path["number"])
            if digits is None:
                raise RefusedError(404, "Number not found")
            rows = [(place, fax) for place, fax in rows if fax.number.digits == digits]
        return self._page(call, "inbox", rows, lambda row: self._incoming_row(call, *row))

    def _list_numbers(self, call: Call) -> Response:
        return self._page(call, "numbers", self._numbers.get(call.user, ()), self._number_row)

    def _page(
        self, call: Call, name: str, items: Sequence[_Item], write: Callable[[_Item], dict[str, Any]]
    ) -> Response:
        settings = self._state.settings
        limit, page = page_asked(call, settings)
        rows = [write(item) for item in items[(page - 1) * limit : page * limit]]
        pages = max(1, -(-len(items) // limit))
        # Without key and limit, as in the vendor's samples: a client must count the pages itself.
        address = f"{call.base_url}{call.path_text}"
        links = {"previous": f"{address}?page={page - 1}"} if page > 1 else {}
        if page < pages:
            links["next"] = f"{address}?page={page + 1}"
        counts = {
            "total": len(items),
            "count": len(rows),
            "per_page": limit,
            "current_page": page,
            "total_pages": pages,
        }
        pagination: dict[str, Any] = {key: as_number(value, settings) for key, value in counts.items()}
        pagination["links"] = [] if settings.faxto_links_list and not links else links
        return JSONResponse({"status": "success", name: rows, "meta": {"pagination": pagination}})

    def _incoming_row(self, call: Call, place: int, fax: IncomingFax) -> dict[str, Any]:
        settings = self._state.settings
        # Both links contain the key, and another number than the row's id, as in the vendor's sample.
        address = f"{call.base_url}/receivefax/api/v1/inbox/{place}"
        key = urlencode({"api_key": self._state.accounts.faxto[call.user]})
        return {
            "id": as_number(fax.id, settings),
            "did_id": as_number(fax.number.id, settings),
            "filename": server_name(fax.id),
            "filesize": f"{fax.pages * 40.15:.2f} KB",
            "number": f"+{fax.number.digits}",
            "sender": fax.sender,
            "total_pages": as_number(fax.pages, settings),
            "created_at": carbon_date(fax.received_at),
            "preview_file": f"{address}/preview?{key}",
            "file_url": f"{address}/file?{key}",
        }

    def _number_row(self, number: FaxNumber) -> dict[str, Any]:
        settings = self._state.settings
        return {
            "id": as_number(number.id, settings),
            "order_reference": None,
            "country_code": number.country_code,
            "country": number.country,
            "city_name": None,
            "area_code": number.area_code,
            "did_group_id": as_number(_GROUP, settings),
            "did_number": f"+{number.digits}",
            "expiration_date": f"{utc(number.added_at + _YEAR):%Y-%m-%d}",
            "status": "Active",
        }


def _digits(number: object) -> str:
    digits = read_number(number) if isinstance(number, str) else None
    if digits is None:
        raise ValueError("A fax number is needed, with its country code.")
    return digits
