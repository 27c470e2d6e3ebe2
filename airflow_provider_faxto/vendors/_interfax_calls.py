"""One request to InterFAX and its answer, as every call of :mod:`airflow_provider_faxto.vendors.interfax` needs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.errors import FaxInputError, FaxUnreadableAnswerError
from airflow_provider_faxto.vendors._interfax_answers import error_from, is_success, job_id_in
from airflow_provider_faxto.vendors.base import FaxRequest, RequestKind
from airflow_provider_faxto.vendors.checks import check_job_id
from airflow_provider_faxto.vendors.reading import read_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_faxto.vendors.base import FaxResponse, Flow

__all__ = ["InterFaxCalls"]

# Job ids are 64-bit integers.
_MAX_ID_DIGITS = 19


@dataclass(frozen=True, slots=True)
class InterFaxCalls:
    """What all calls have in common.

    :param label: the vendor's name, for messages.
    :param secrets: what no message may show.
    """

    label: str
    secrets: Sequence[str] = field(repr=False)

    def check_id(self, job_id: str) -> str:
        """Check a job id before it becomes part of a path.

        :param job_id: the id, as text.
        :return: the id as the vendor writes it: without blanks and leading zeros.
        :raises FaxInputError: if it is not a number of up to 19 digits.
        """
        cleaned = check_job_id(job_id, self.label).lstrip("0")
        if not 0 < len(cleaned) <= _MAX_ID_DIGITS:
            raise FaxInputError(f"A job id of {self.label} has 1 to {_MAX_ID_DIGITS} digits and is not zero.")
        return cleaned

    def ask(self, request: FaxRequest, *, names_an_item: bool = True) -> Flow[FaxResponse]:
        """Make a request and take any answer outside 2xx for an error.

        :param request: the request.
        :param names_an_item: see :func:`~airflow_provider_faxto.vendors._interfax_answers.error_from`.
        :return: the answer.
        :raises FaxError: if the answer is not a yes.
        """
        response = yield request
        if is_success(response):
            return response
        raise error_from(response, request, self.label, self.secrets, names_an_item=names_an_item)

    def ask_for_list(self, action: str, path: str, query: Sequence[tuple[str, str]]) -> Flow[list[Any]]:
        """Read a list of records.

        :param action: what for, for messages.
        :param path: the path.
        :param query: the parameters.
        :return: the JSON array.
        :raises FaxError: if the answer is not a yes; 404 is lost contact here, since a list that is not there says
            nothing about any fax.
        :raises FaxUnreadableAnswerError: if the answer is no array.
        """
        request = FaxRequest(action=action, kind=RequestKind.READ, method="GET", path=path, query=query, counted=True)
        response = yield from self.ask(request, names_an_item=False)
        rows = read_json(response, request, self.label)
        if not isinstance(rows, list):
            raise self.unreadable(request, response, "a list")
        return rows

    def ask_for_job(self, request: FaxRequest) -> Flow[str]:
        """Make a request that sends, and read the new job's id.

        :param request: the request, of kind ``SEND``.
        :return: the id.
        :raises FaxError: if the answer is not a yes.
        :raises FaxUnreadableAnswerError: if the answer is a yes without exactly one usable ``Location``: a fax may
            be on its way and its id is not known.
        """
        response = yield from self.ask(request)
        job_id = job_id_in(response.headers.get("location"))
        if job_id is None:
            raise self.unreadable(request, response, "the address of one new fax job")
        return job_id

    def unreadable(self, request: FaxRequest, response: FaxResponse, wanted: str) -> FaxUnreadableAnswerError:
        """Make the error for an answer that is a yes but not what it should be.

        :param request: what was asked.
        :param response: the answer.
        :param wanted: what it should have held.
        :return: the error. It shows nothing of the answer.
        """
        return FaxUnreadableAnswerError(
            f"Could not {request.action}: {self.label} answered HTTP {response.status} without {wanted}.",
            http_status=response.status,
        )
