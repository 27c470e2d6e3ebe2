"""The command that tells whether a fax would be let through, and sends nothing."""

from __future__ import annotations

import secrets
import string
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_faxto.cli.accounts import check_bad_number, open_account, read_number
from airflow_provider_faxto.cli.answer import Answer
from airflow_provider_faxto.cli.exit_codes import ExitCode
from airflow_provider_faxto.cli.show import progress
from airflow_provider_faxto.fax.documents import combined_pages
from airflow_provider_faxto.fax.errors import (
    FaxDocumentError,
    FaxError,
    FaxInputError,
    FaxLostContactError,
    FaxNotAllowedError,
)
from airflow_provider_faxto.fax.options import SendOptions

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from airflow_provider_faxto.fax.documents import FaxDocument
    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.hooks.fax import FaxHook

__all__ = ["check"]

T = TypeVar("T")

_COLUMNS = ("check", "result", "value", "detail")
_OK, _REFUSED, _NOT_CHECKED, _NOT_TOLD = "ok", "refused", "not checked", "not told"


def check(args: argparse.Namespace) -> Answer:
    """Hold a fax to every rule of its connection, count its pages and ask its price.

    A document is uploaded for its price alone, after everything else is well, and deleted at once.

    :param args: ``number``, ``files``, ``option``, ``dag_id`` and ``no_price``, beside what all commands have.
    :return: a row for each thing that was looked at; the exit code is ``FATAL`` if one refuses the fax, ``UNKNOWN`` if
        one could not be looked at.
    :raises FaxError: if the connection or an option cannot be used, or the list of approved numbers cannot be loaded.
    """
    with open_account(args) as hook:
        hook.vendor.check_send(args.files, SendOptions(dict(args.option)))
        rows = _Rows()
        number = rows.look("number", lambda: read_number(hook, args.number), lambda read: read.masked)
        if number is not None:
            rows.look("number rules", lambda: hook.gatekeeper.preview_number(number))
            rows.look("number that answers", lambda: check_bad_number(hook, number))
        rows.look("DAG", lambda: hook.gatekeeper.preview_dag(args.dag_id), lambda _: args.dag_id)
        documents = rows.look("documents", lambda: hook.gatekeeper.preview_documents(args.files), _describe_size)
        if documents is not None:
            rows.look("pages", lambda: hook.gatekeeper.preview_pages(documents), lambda _: combined_pages(documents))
        if number is None or documents is None or rows.has(_REFUSED):
            return rows.answer()
        if not hook.gatekeeper.tells_price:
            rows.add("price", _NOT_TOLD, None, f"{hook.vendor.label} tells no price before a fax is sent.")
        elif args.no_price:
            result = _NOT_CHECKED if hook.gatekeeper.needs_price else _NOT_TOLD
            rows.add("price", result, None, "It was not asked: --no-price.")
        else:
            with progress("Asking the price ..."):
                _ask_price(hook, number, args.files, rows)
        return rows.answer()


class _Rows:
    """What was looked at so far."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []

    def add(self, name: str, result: str, value: object = None, detail: str | None = None) -> None:
        """Note a result."""
        self._rows.append(dict(zip(_COLUMNS, (name, result, value, detail), strict=True)))

    def look(self, name: str, look: Callable[[], T], describe: Callable[[T], object] = lambda _: None) -> T | None:
        """Look at one thing and note the result; give what was found, or nothing if it is refused."""
        try:
            found = look()
        except FaxInputError as error:
            self.add(name, _REFUSED, None, str(error))
            return None
        self.add(name, _OK, describe(found))
        return found

    def has(self, result: str) -> bool:
        """Tell whether something had a result."""
        return any(row["result"] == result for row in self._rows)

    def answer(self) -> Answer:
        """Make the answer."""
        code = ExitCode.UNKNOWN if self.has(_NOT_CHECKED) else ExitCode.SUCCESS
        return Answer(rows=self._rows, columns=_COLUMNS, code=ExitCode.FATAL if self.has(_REFUSED) else code)


def _describe_size(documents: list[FaxDocument]) -> str:
    return f"{len(documents)}, {sum(document.size for document in documents)} bytes"


def _ask_price(hook: FaxHook, number: FaxNumber, files: list[str], rows: _Rows) -> None:
    """Upload each document under a name of no meaning, ask what it costs, and delete it."""
    # Of letters: eight digits would be masked as a number wherever the name is shown.
    name = f"fax-check-{''.join(secrets.choice(string.ascii_lowercase) for _ in range(8))}"
    price = Decimal(0)
    for file in files:
        try:
            # A path and no loaded document, so that it is held to the places of documents once more.
            uploaded = hook.upload_document(file, name=name)
        except (FaxNotAllowedError, FaxDocumentError) as error:
            rows.add("price", _NOT_CHECKED, None, f"Nothing was uploaded to ask it: {error}")
            return
        except FaxLostContactError as error:
            detail = f"{error} A document called {name} may be left at {hook.vendor.label}; delete it there."
            rows.add("price", _NOT_CHECKED, None, detail)
            return
        except FaxError as error:
            rows.add("price", _NOT_CHECKED, None, str(error))
            return
        try:
            cost = hook.estimate_cost(number, uploaded.document_id)
            hook.gatekeeper.check_cost(cost)
        except FaxNotAllowedError as error:
            rows.add("price", _REFUSED, f"{cost:f}", str(error))
            return
        except FaxError as error:
            rows.add("price", _NOT_CHECKED, None, str(error))
            return
        finally:
            _delete(hook, uploaded.document_id, rows)
        price += cost
    rows.add("price", _OK, f"{price:f}", "In the account's currency.")


def _delete(hook: FaxHook, document_id: str, rows: _Rows) -> None:
    try:
        hook.delete_document(document_id)
    except FaxError as error:
        detail = f"Document {document_id} may be left at {hook.vendor.label}; delete it there. {error}"
        rows.add("uploaded document", _NOT_CHECKED, None, detail)
