"""What one may set for a fax at the vendor."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.errors import FaxInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["COMMON_OPTIONS", "SendOptions", "did_you_mean"]

COMMON_OPTIONS = (
    "sender_id",
    "contact",
    "page_size",
    "page_orientation",
    "resolution",
    "rendering",
    "page_header",
    "reply_address",
    "retries_at_vendor",
    "delete_after_sending",
)
"""The options whose names mean the same at every vendor that takes them."""

_LONGEST_NAME = 40
# As alike as two names that differ in a letter or two.
_LIKE_A_SLIP = 0.85


class SendOptions(Mapping[str, Any]):
    """What to set for a fax at the vendor: ``SendOptions(resolution="fine", page_size="a4")``. It cannot be changed.

    It is a mapping by name, and what is set is an attribute too. ``None`` and empty text (also ``"None"``, which is
    what a template makes of ``None``) mean that an option is not set, and leave the account's own setting. ``repr()``
    shows the names alone, since a header or a contact may be private.

    The names are those of ``FaxVendor.send_options``, where each vendor declares what it takes, and the vendor checks
    the values: a new setting of a vendor is an entry there and nothing here. That is why this is a mapping and no
    class with a field for each option. A name that the connection's vendor does not take is an error before anything
    is sent, since a setting that is silently dropped is worse than none. What is surely a slip of the pen, a name that
    differs in a letter or two from a common one, is refused at once.

    The common names:

    - ``sender_id``: the text or number that the receiving machine shows as the sender (TSI, CSID).
    - ``contact``: a text for the vendor's own lists, such as a department; it is not sent.
    - ``page_size``: ``a4``, ``letter``, ``legal`` or ``b4``.
    - ``page_orientation``: ``portrait`` or ``landscape``.
    - ``resolution``: ``standard`` or ``fine``.
    - ``rendering``: ``greyscale`` or ``bw``.
    - ``page_header``: the line at the top of each page, with the vendor's placeholders.
    - ``reply_address``: the e-mail address that the vendor reports to.
    - ``retries_at_vendor``: how often the vendor dials in all for this job, at least 1. It multiplies with Airflow's
      ``retries``: 4 here and 2 retries there ring one telephone up to 12 times.
    - ``delete_after_sending``: whether the vendor deletes the document once the fax has ended.

    :param options: options by name. Default: none.
    :param named: the same as keywords; they win over ``options``.
    :raises FaxInputError: if a name is not one that an option can have, or is a common one misspelt.
    """

    __slots__ = ("_values",)

    def __init__(self, options: Mapping[str, Any] | None = None, /, **named: Any) -> None:
        given = {**(options or {}), **named}
        for name in given:
            _check_name(name)
        self._values = {name: value for name, value in given.items() if not _is_unset(value)}

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - the vendor knows what an option holds
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - see above
        # The guard is for copies in the making, which have no values yet.
        if name != "_values" and (name in self._values or name in COMMON_OPTIONS):
            return self._values.get(name)
        raise AttributeError(f"{type(self).__name__} has no option {name!r}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(self) or 'nothing set'}>"

    def __sentry_repr__(self) -> str:
        # Of a mapping Sentry would show the values.
        return repr(self)

    @property
    def names_set(self) -> list[str]:
        """The names of the options that are set."""
        return list(self)


def did_you_mean(names: Iterable[str], known: Iterable[str]) -> str:
    """Name what was probably meant by names that are not known.

    :param names: the names.
    :param known: those that there are.
    :return: a sentence with a blank before it, such as `` Did you mean resolution?``; empty if no known name is like
        one of them.
    """
    likely = [match for name in names for match in get_close_matches(name, sorted(known), n=1)]
    return f" Did you mean {', '.join(likely)}?" if likely else ""


def _is_unset(value: object) -> bool:
    """Tell whether a value stands for an option that is not set."""
    return value is None or (isinstance(value, str) and value in ("", "None"))


def _check_name(name: object) -> None:
    """Refuse what cannot be the name of an option, which is not shown, and a common name that is misspelt."""
    if not isinstance(name, str) or not (name.isascii() and name.isidentifier()) or len(name) > _LONGEST_NAME:
        raise FaxInputError(
            f"The name of an option is a word such as resolution or page_size, of at most {_LONGEST_NAME} letters, "
            "digits and underscores; one of those given is not."
        )
    if name not in COMMON_OPTIONS:
        likely = get_close_matches(name.lower(), COMMON_OPTIONS, n=1, cutoff=_LIKE_A_SLIP)
        if likely:
            raise FaxInputError(f"There is no option {name}. Did you mean {likely[0]}?")
