"""The gates: what may be faxed with a connection, where to, for how much and from which DAG.

They stand on the connection, so that neither the author of a DAG nor a user who starts a run of it can loosen them. The
hook asks them before anything is uploaded. What a gate cannot tell it does not let through.

These are the rules alone. What must look at files stands in :mod:`airflow_provider_faxto.hooks.document_files` and
:mod:`airflow_provider_faxto.hooks.pages`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from airflow_provider_faxto.fax.errors import FaxNotAllowedError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from decimal import Decimal

    from phonenumbers import PhoneMetadata, PhoneNumber, PhoneNumberDesc

    from airflow_provider_faxto.fax.numbers import FaxNumber

__all__ = ["FaxGates", "costly_kind", "is_number_rule", "refusal"]

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}")
_COUNTRY = re.compile(r"[A-Z]{2}")
# Country codes that no country has (ITU-T E.164), with which a call may cost many times that of a usual one. 800, the
# international freephone service, is the one that costs nothing.
_OF_NO_COUNTRY = {
    808: "shared-cost",
    870: "satellite",
    878: "global network",
    881: "satellite",
    882: "satellite or global network",
    883: "global network",
    979: "premium-rate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FaxGates:
    """The rules of one connection. Each check raises ``FaxNotAllowedError`` with the rule, the value and who can
    change it, or returns nothing.

    :param conn_id: the connection, for the messages.
    :param allow_costly_numbers: whether premium-rate, shared-cost and satellite numbers may be dialled. Default:
        ``False``.
    :param allowed_numbers: prefixes (``+4930``) and countries (``DE``) to which a number must belong. Default: all.
    :param denied_numbers: those to which it must not. A deny beats an allow. Default: none.
    :param has_approved_list: whether there is a list of approved numbers, which are allowed besides
        ``allowed_numbers``. Default: ``False``.
    :param max_pages: how many pages all documents of a fax may have together. Default: any number.
    :param max_pages_strict: whether a document whose pages cannot be counted is refused, too. Default: ``False``.
    :param max_cost: what a fax may cost, in the account's currency. Default: any price.
    :param allowed_dags: patterns of the DAGs that may fax (``billing_*``). Default: all.
    """

    conn_id: str
    allow_costly_numbers: bool = False
    allowed_numbers: tuple[str, ...] | None = None
    denied_numbers: tuple[str, ...] = ()
    has_approved_list: bool = False
    max_pages: int | None = None
    max_pages_strict: bool = False
    max_cost: Decimal | None = None
    allowed_dags: tuple[str, ...] | None = None

    def check_number(self, number: FaxNumber, approved: Collection[str] = ()) -> None:
        """Check a recipient.

        :param number: the recipient.
        :param approved: the approved numbers, in E.164 form. Default: none.
        :raises FaxNotAllowedError: if it may not be dialled with this connection.
        """
        if not _E164.fullmatch(number.e164):
            # What is checked here must be what is dialled.
            raise self._refusal(f"the recipient {number.masked} is not in E.164 form")
        for rule in self.denied_numbers:
            if _is_under(number, rule, in_doubt=True):
                raise self._refusal(f"denied_numbers holds {rule}, so {number.masked} may not be dialled")
        if (self.allowed_numbers is not None or self.has_approved_list) and not (
            number.e164 in approved or any(_is_under(number, rule) for rule in self.allowed_numbers or ())
        ):
            names = "allowed_numbers" if self.allowed_numbers is not None else ""
            names += " and " if names and self.has_approved_list else ""
            names += "allowed_numbers_from" if self.has_approved_list else ""
            raise self._refusal(f"{number.masked} is not among the numbers of {names}")
        kind = None if self.allow_costly_numbers else costly_kind(number)
        if kind is not None:
            raise self._refusal(f"{number.masked} is a {kind} number, and allow_costly_numbers is not set")

    def check_unknown_number(self) -> None:
        """Check a recipient that is not told, that of a fax job which is sent once more.

        :raises FaxNotAllowedError: if there are rules that name numbers.
        """
        if self.allowed_numbers is not None or self.denied_numbers or self.has_approved_list:
            raise self._refusal("the connection has rules for numbers, so the recipient must be given")

    def check_pages(self, pages: Sequence[int | None]) -> None:
        """Check the pages of all documents of a fax.

        :param pages: the pages of each document; ``None`` for one whose pages cannot be counted.
        :raises FaxNotAllowedError: if they are too many, or cannot be counted where they must be.
        """
        if self.max_pages is None:
            return
        counted = sum(count for count in pages if count is not None)
        if counted > self.max_pages:
            raise self._refusal(f"the fax has {counted} pages, and max_pages is {self.max_pages}")
        if self.max_pages_strict and None in pages:
            raise self._refusal(
                "the pages of a document of this type cannot be counted, and max_pages_strict is set. A PDF's can"
            )

    def check_cost(self, cost: Decimal) -> None:
        """Check what the vendor asks for a fax.

        :param cost: the price, in the account's currency.
        :raises FaxNotAllowedError: if it is more than ``max_cost``.
        """
        if self.max_cost is not None and not cost <= self.max_cost:
            raise self._refusal(f"the fax would cost {cost}, and max_cost is {self.max_cost}")

    def check_dag(self, dag_id: str | None) -> None:
        """Check the DAG whose task wants to fax.

        :param dag_id: its id; ``None`` outside of a task.
        :raises FaxNotAllowedError: if it may not fax with this connection.
        """
        if self.allowed_dags is None or (dag_id is not None and any(fnmatchcase(dag_id, p) for p in self.allowed_dags)):
            return
        who = f"the DAG {dag_id!r}" if dag_id is not None else "a call outside of a DAG's task"
        raise self._refusal(f"{who} is not among the DAGs of allowed_dags")

    def _refusal(self, what: str) -> FaxNotAllowedError:
        return refusal(self.conn_id, what)


def refusal(conn_id: str, what: str) -> FaxNotAllowedError:
    """Make the error of a rule that does not let a fax through.

    :param conn_id: the connection.
    :param what: which rule, and which value, masked where it is private.
    :return: the error.
    """
    return FaxNotAllowedError(
        f"Connection {conn_id!r}: {what}. Nothing was sent. Those who manage the connection can change the rule; a DAG "
        "cannot."
    )


def is_number_rule(text: str) -> bool:
    """Tell whether a text is a rule for numbers.

    :param text: the text, without blanks: ``+4930``, or a country as two capital letters.
    :return: whether it is a prefix, or a country whose numbers are known.
    """
    import phonenumbers

    if _COUNTRY.fullmatch(text):
        return text in phonenumbers.SUPPORTED_REGIONS
    return _PREFIX.fullmatch(text) is not None


def costly_kind(number: FaxNumber) -> str | None:
    """Tell why a call to a number costs more than a usual one.

    A number in a range that the tables do not know as a whole counts by its beginning.

    :param number: the number.
    :return: ``premium-rate``, ``shared-cost``, ``satellite`` or ``global network``; ``None`` if it is none of these.
    """
    import phonenumbers

    parsed = _parsed(number)
    if parsed is None:
        return None
    if parsed.country_code in _OF_NO_COUNTRY:
        return _OF_NO_COUNTRY[parsed.country_code]
    kind = phonenumbers.number_type(parsed)
    names = {
        phonenumbers.PhoneNumberType.PREMIUM_RATE: "premium-rate",
        phonenumbers.PhoneNumberType.SHARED_COST: "shared-cost",
    }
    if kind != phonenumbers.PhoneNumberType.UNKNOWN:
        return names.get(kind)
    digits = phonenumbers.national_significant_number(parsed)
    for metadata in _metadata(parsed.country_code or 0):
        for description, name in ((metadata.premium_rate, "premium-rate"), (metadata.shared_cost, "shared-cost")):
            if _may_begin(digits, description, metadata):
                return name
    return None


def _is_under(number: FaxNumber, rule: str, *, in_doubt: bool = False) -> bool:
    """Tell whether a number belongs to a prefix or a country; ``in_doubt`` is the answer where that is not known."""
    import phonenumbers

    if rule.startswith("+"):
        return number.e164.startswith(rule)
    parsed = _parsed(number)
    region = phonenumbers.region_code_for_number(parsed) if parsed is not None else None
    if region is not None or parsed is None:
        return bool(region == rule)
    # Of a country code that several countries share, in a range that the tables do not know.
    return in_doubt and rule in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(parsed.country_code or 0, ())


def _parsed(number: FaxNumber) -> PhoneNumber | None:
    import phonenumbers

    try:
        return phonenumbers.parse(number.e164)
    except phonenumbers.NumberParseException:
        return None


def _metadata(country_code: int) -> list[PhoneMetadata]:
    """Give the tables of every country that has a country code."""
    import phonenumbers

    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(country_code, ())
    found = [phonenumbers.PhoneMetadata.metadata_for_region(region, None) for region in regions]
    return [metadata for metadata in found if metadata is not None]


def _may_begin(digits: str, description: PhoneNumberDesc | None, metadata: PhoneMetadata) -> bool:
    """Tell whether digits, cut or filled up to a length that a range has, are of this range."""
    if description is None or not description.national_number_pattern:
        return False
    general = metadata.general_desc
    lengths = description.possible_length or (general.possible_length if general is not None else ())
    pattern = re.compile(description.national_number_pattern)
    return any(
        pattern.fullmatch((digits + filling * length)[:length])
        for length in lengths
        if length > 0
        for filling in ("0123456789" if length > len(digits) else "0")
    )
