"""Driving a vendor's flows: each request is authorised, waits for its turn, and is made once.

A call that only reads may be driven again.

Every request passes here, so none that the vendor counts can go past the account's limit, and none that sends can be
made twice.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import tenacity

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax.errors import (
    FaxLostContactError,
    FaxNotConnectedError,
    FaxRateLimitError,
    FaxThrottledError,
    FaxUncertainSendError,
)
from airflow_provider_faxto.vendors.base import RequestKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_faxto.hooks.patience import Patience
    from airflow_provider_faxto.http.rate_limit import RateLimit
    from airflow_provider_faxto.http.transport import FaxTransport
    from airflow_provider_faxto.vendors.base import AuthFlow, FaxRequest, FaxResponse, FaxVendor, Flow

__all__ = ["FlowDriver"]

T = TypeVar("T")

_LONGEST_PAUSE = 20.0


@dataclass(slots=True)
class _Call:
    """One call on its way.

    :param before_send: called right before the request that sends.
    :param made: the last request that was made, or is being made.
    """

    before_send: Callable[[], None] | None
    made: FaxRequest | None = None


class FlowDriver:
    """Makes the requests of one account's calls.

    :param vendor: the account.
    :param transport: makes a request.
    :param rate_limit: gives turns to the requests that the vendor counts.
    :param patience: how often a call that only reads is made, and for how long a request may wait for its turn.
    :param on_token: called when credentials were fetched, so that they can be masked.
    """

    def __init__(
        self,
        *,
        vendor: FaxVendor,
        transport: FaxTransport,
        rate_limit: RateLimit,
        patience: Patience,
        on_token: Callable[[], None],
    ) -> None:
        self._vendor = vendor
        self._transport = transport
        self._rate_limit = rate_limit
        self._patience = patience
        self._on_token = on_token

    def read(self, make_flow: Callable[[], Flow[T]]) -> T:
        """Drive a flow that only reads; again from its start, after a growing pause, where that may help.

        Lost contact and "too many requests" may pass. What cannot is raised at once: a refusal, an answer that would
        be the same a minute later, a turn that was waited for in vain.

        :param make_flow: makes the flow anew.
        :return: the flow's value.
        :raises FaxError: what the last try raised.
        """
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self._patience.read_attempts),
            wait=_pause,
            retry=tenacity.retry_if_exception(_may_pass),
            sleep=clock.sleep,
            reraise=True,
        )
        return retrying(lambda: self.run(make_flow()))

    def run(self, flow: Flow[T], before_send: Callable[[], None] | None = None) -> T:
        """Drive a flow to its end, every request of it once.

        After a request that sends, lost contact becomes ``FaxUncertainSendError`` here, in one place for all vendors.

        :param flow: the flow.
        :param before_send: called right before the request that sends; what it raises stops the send. Default: nothing.
        :return: the flow's value.
        :raises FaxError: what the flow, the request or the wait for its turn raises.
        :raises FaxUncertainSendError: if the request that sends left and no readable answer came back.
        """
        call = _Call(before_send)
        try:
            request = next(flow)
            while True:
                try:
                    response = self._answer(request, call)
                except FaxRateLimitError as error:
                    # A flow that asks for many may keep what it has read so far.
                    request = flow.throw(error)
                else:
                    request = flow.send(response)
        except StopIteration as end:
            value: T = end.value
            return value
        except FaxThrottledError as error:
            if call.made is not None and call.made.rate_limited and not isinstance(error, FaxRateLimitError):
                self._rate_limit.slow_down(error.retry_after)
            raise
        except FaxNotConnectedError:
            raise
        except FaxLostContactError as error:
            if call.made is None or call.made.kind is not RequestKind.SEND:
                raise
            uncertain = FaxUncertainSendError(
                f"{error} The fax may or may not be on its way: only {self._vendor.label}'s own records can "
                "tell, and nothing is sent again until they do."
            )
        raise uncertain

    def _answer(self, request: FaxRequest, call: _Call) -> FaxResponse:
        """Have one request of a flow authorised, and make it; only one that reads may be made again."""
        if request.base_url is not None:
            # The account's credentials are for the account's host.
            return self._make(request, call)
        with contextlib.closing(self._vendor.auth_flow(request)) as auth:
            outgoing = self._fetch_tokens(auth, next(auth, None), call)
            while outgoing is not None:
                response = self._make(outgoing, call)
                try:
                    again = auth.send(response)
                except StopIteration:
                    return response
                if request.kind is not RequestKind.READ:
                    return response
                outgoing = self._fetch_tokens(auth, again, call)
        raise TypeError(f"{type(self._vendor).__name__}.auth_flow() ended without the request it was given.")

    def _fetch_tokens(self, auth: AuthFlow, request: FaxRequest | None, call: _Call) -> FaxRequest | None:
        """Make what only fetches credentials, up to the request that needs them."""
        while request is not None and request.kind is RequestKind.TOKEN:
            response = self._make(request, call)
            try:
                request = auth.send(response)
            except StopIteration:
                return None
            self._on_token()
        return request

    def _make(self, request: FaxRequest, call: _Call) -> FaxResponse:
        """Make one request, in its turn if it is one that the vendor counts."""
        turn = self._rate_limit.acquire(self._patience.max_wait) if request.rate_limited else contextlib.nullcontext()
        with turn:
            if request.kind is RequestKind.SEND and call.before_send is not None:
                call.before_send()
            call.made = request
            return self._transport.exchange(request)


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, FaxLostContactError):
        return not error.is_lasting
    return isinstance(error, FaxThrottledError) and not isinstance(error, FaxRateLimitError)


_growing = tenacity.wait_exponential_jitter(initial=1, max=_LONGEST_PAUSE, jitter=1)


def _pause(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    asked_for = error.retry_after if isinstance(error, FaxThrottledError) else None
    return min(max(_growing(state), asked_for or 0.0), _LONGEST_PAUSE)
