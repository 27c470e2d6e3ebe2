"""Driving a vendor's flows: each request is authorised, waits for its turn, and is made once.

A call that only reads may be driven again.

Every request passes here, so none that the vendor counts can go past the account's limit, none that sends can be made
twice, and none goes out with credentials that the vendor has just refused.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import tenacity

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax.errors import (
    FaxAccountStoppedError,
    FaxAuthenticationError,
    FaxConfigurationError,
    FaxLostContactError,
    FaxNotConnectedError,
    FaxRateLimitError,
    FaxThrottledError,
    FaxUncertainSendError,
)
from airflow_provider_faxto.figures import TURN_WAIT, take_time
from airflow_provider_faxto.hooks.patience import INTERACTIVE
from airflow_provider_faxto.http.moments import Moment
from airflow_provider_faxto.vendors.base import RequestKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_faxto.hooks.patience import Patience
    from airflow_provider_faxto.http.account_state import Stop
    from airflow_provider_faxto.http.rate_limit import RateLimit
    from airflow_provider_faxto.http.stopped_account import LogInGate
    from airflow_provider_faxto.http.transport import FaxTransport
    from airflow_provider_faxto.vendors.base import FaxRequest, FaxResponse, FaxVendor, Flow

__all__ = ["FlowDriver"]

T = TypeVar("T")

_LONGEST_PAUSE = 20.0
# A login in two steps, the request, and both once more are six.
_MOST_REQUESTS_OF_AN_AUTHORISATION = 10
_SUCCESS = range(200, 300)
# A request that waited no longer has had its turn at once.
_AT_ONCE = 0.1


@dataclass(slots=True)
class _Call:
    """One call on its way.

    :param before_send: called right before the request that sends, with the vendor's id of the document that it sends.
    :param only_reads: whether it may be made again, so that no request of it may change anything.
    :param on_begin: called right before the first request, when it has its turn.
    :param is_test: whether a person tests the connection: then the vendor is asked although the account is stopped.
    :param made: the last request that was made, or is being made.
    :param turn: what is held until the vendor has taken the credentials, or has refused them.
    :param asked_at: when the last request was made with the credentials; ``None`` before the first.
    :param is_taken: whether the vendor has taken the credentials.
    :param has_old_token: whether the last request bore a token that was fetched for another one, and it was made once.
    :param waits_until: until when its requests may wait for their turns, all together, where the call can go on later;
        ``None`` where what it has read would be lost.
    """

    before_send: Callable[[str | None], None] | None = None
    only_reads: bool = False
    on_begin: Callable[[], None] | None = None
    is_test: bool = False
    made: FaxRequest | None = None
    turn: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    asked_at: Moment | None = None
    is_taken: bool = False
    has_old_token: bool = False
    waits_until: float | None = None


class FlowDriver:
    """Makes the requests of one account's calls.

    :param vendor: the account.
    :param transport: makes a request.
    :param rate_limit: gives turns to the requests that the vendor counts.
    :param patience: how often a call that only reads is made, and for how long a request may wait for its turn.
    :param on_token: called when credentials were fetched, so that they can be masked.
    :param log_in: stops the account for all tasks of this machine when the vendor has refused its credentials.
    :param on_stopped: called once for each stop that begins here.
    """

    def __init__(
        self,
        *,
        vendor: FaxVendor,
        transport: FaxTransport,
        rate_limit: RateLimit,
        patience: Patience,
        on_token: Callable[[], None],
        log_in: LogInGate,
        on_stopped: Callable[[Stop], None],
    ) -> None:
        self._vendor = vendor
        self._transport = transport
        self._log_in = log_in
        self._on_stopped = on_stopped
        self._rate_limit = rate_limit
        self._patience = patience
        self._on_token = on_token

    def read(
        self,
        make_flow: Callable[[], Flow[T]],
        on_begin: Callable[[], None] | None = None,
        *,
        in_parts: bool = False,
    ) -> T:
        """Drive a flow that only reads; again from its start, after a growing pause, where that may help.

        Lost contact and "too many requests" may pass. What cannot is raised at once: a refusal, an answer that would
        be the same a minute later, a turn that was waited for in vain.

        :param make_flow: makes the flow anew.
        :param on_begin: called right before the first request of each try, when it has its turn. Default: nothing.
        :param in_parts: whether the flow keeps what it has read where a request has no turn. Then all its requests
            together wait no longer than one may. Default: ``False``: each after the first may wait for a minute.
        :return: the flow's value.
        :raises FaxError: what the last try raised.
        :raises TypeError: if the flow asks for a request that does more than read. That request is not made.
        """
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self._patience.read_attempts),
            wait=_pause,
            retry=tenacity.retry_if_exception(_may_pass),
            sleep=clock.sleep,
            reraise=True,
        )
        waits_until = clock.monotonic() + self._patience.max_wait if in_parts else None
        return retrying(
            lambda: self._run(make_flow(), _Call(only_reads=True, on_begin=on_begin, waits_until=waits_until))
        )

    def run(self, flow: Flow[T], before_send: Callable[[str | None], None] | None = None) -> T:
        """Drive a flow to its end, every request of it once.

        After a request that sends, lost contact becomes ``FaxUncertainSendError`` here, in one place for all vendors.

        :param flow: the flow.
        :param before_send: called right before the request that sends, with its ``document_id``; what it raises stops
            the send. Default: nothing.
        :return: the flow's value.
        :raises FaxError: what the flow, the request or the wait for its turn raises.
        :raises FaxUncertainSendError: if the request that sends left and no readable answer came back, or the flow asks
            for more requests after it, none of which is made.
        :raises TypeError: if the vendor's ``auth_flow`` does not give the request that it was given.
        """
        return self._run(flow, _Call(before_send))

    def run_test(self, flow: Flow[T]) -> T:
        """Drive the flow that tests the connection, also while the account is stopped; success ends the stop.

        A refusal begins none: a person hears of it at once.

        :param flow: the flow.
        :return: the flow's value.
        :raises FaxError: as :meth:`run`.
        """
        return self._run(flow, _Call(is_test=True))

    def _run(self, flow: Flow[T], call: _Call) -> T:
        """Drive a flow, and note whether the vendor takes the credentials."""
        with call.turn:
            try:
                return self._drive(flow, call)
            except FaxAccountStoppedError:
                raise
            except FaxAuthenticationError as error:
                if not _is_about_the_account(call):
                    raise
                stop, is_new = self._log_in.note_refusal(error)
                stopped = self._log_in.stopped_error(error, stop)
        if is_new:
            # Who waits for a turn need not wait for that, too.
            self._on_stopped(stop)
        raise stopped

    def _drive(self, flow: Flow[T], call: _Call) -> T:
        """Drive a flow, as a call that only reads or as one that may send."""
        try:
            return self._exchange_all(flow, call)
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

    def _exchange_all(self, flow: Flow[T], call: _Call) -> T:
        """Make the requests of a flow, and return its value."""
        is_yes = False
        try:
            request = next(flow)
            while True:
                try:
                    response = self._answer(request, call)
                except FaxRateLimitError as error:
                    # A flow that asks for many may keep what it has read so far.
                    request = flow.throw(error)
                else:
                    is_yes = response.status in _SUCCESS and request.base_url is None
                    request = flow.send(response)
                    if is_yes:
                        self._note_taken(call)
        except StopIteration as end:
            if is_yes:
                self._note_taken(call)
            value: T = end.value
            return value

    def _answer(self, request: FaxRequest, call: _Call) -> FaxResponse:
        """Make one request of a flow, if the call may make it."""
        if call.made is not None and call.made.kind is RequestKind.SEND:
            # The fax may be on its way already, so this becomes an uncertain send.
            raise FaxLostContactError(f"Could not {request.action}: nothing is requested after what sends a fax.")
        if call.only_reads and request.kind is not RequestKind.READ:
            raise TypeError(
                f"{type(self._vendor).__name__} asks for a request of kind {request.kind} to {request.action}, in a "
                "call that may be made again: such a call only reads."
            )
        if request.base_url is not None:
            # The account's credentials are for the account's host.
            return self._make(request, call)
        if call.is_test:
            pass
        elif call.asked_at is None:
            call.turn.enter_context(self._log_in.enter())
        else:
            self._log_in.check()
        call.asked_at = Moment.now()
        return self._authorise(request, call)

    def _note_taken(self, call: _Call) -> None:
        """Note that the vendor has said yes to a request with the credentials, and its client has understood."""
        if not call.is_taken and call.asked_at is not None:
            call.is_taken = True
            self._log_in.note_success(call.asked_at)
            call.turn.close()

    def _authorise(self, request: FaxRequest, call: _Call) -> FaxResponse:
        """Make a request as the vendor's ``auth_flow`` yields it, and what fetches credentials for it."""
        where = f"{type(self._vendor).__name__}.auth_flow()"
        auth = self._vendor.auth_flow(request)
        if not isinstance(auth, Generator):
            raise TypeError(f"{where} must be a generator that yields the request it was given.")
        answer: FaxResponse | None = None
        has_fetched = call.has_old_token = False
        with contextlib.closing(auth):
            outgoing = next(auth, None)
            for _ in range(_MOST_REQUESTS_OF_AN_AUTHORISATION):
                if outgoing is None or (answer is not None and request.kind is not RequestKind.READ):
                    break
                is_token = outgoing.kind is RequestKind.TOKEN
                if not is_token and _target_of(outgoing) != _target_of(request):
                    raise TypeError(
                        f"{where} yields another request than the one to {request.action} that it was given."
                    )
                response = self._make(outgoing, call)
                answer = answer if is_token else response
                try:
                    outgoing = auth.send(response)
                except StopIteration:
                    outgoing = None
                if is_token:
                    has_fetched = has_fetched or answer is None
                    self._on_token()
            else:
                raise TypeError(f"{where} does not come to an end.")
        call.has_old_token = self._vendor.has_tokens and not has_fetched and request.kind is not RequestKind.READ
        if answer is None:
            raise TypeError(f"{where} ended without the request it was given.")
        return answer

    def _make(self, request: FaxRequest, call: _Call) -> FaxResponse:
        """Make one request, in its turn if it is one that the vendor counts."""
        max_wait = self._patience.max_wait
        if call.waits_until is not None:
            max_wait = max(call.waits_until - clock.monotonic(), 0.0)
        elif max_wait and call.made is not None:
            # What was read so far would be lost, and read again from its start.
            max_wait = max(max_wait, INTERACTIVE.max_wait)
        asked_at = clock.monotonic()
        with self._rate_limit.acquire(max_wait) if request.rate_limited else contextlib.nullcontext():
            if (waited := clock.monotonic() - asked_at) > _AT_ONCE:
                take_time(TURN_WAIT, waited, vendor=self._vendor.name)
            if call.made is None and call.on_begin is not None:
                call.on_begin()
            if request.kind is RequestKind.SEND and call.before_send is not None:
                call.before_send(request.document_id)
            call.made = request
            try:
                return self._transport.exchange(request)
            except FaxConfigurationError as error:
                if not (call.only_reads and self._patience.asks_again):
                    raise
                unusable = FaxNotConnectedError(str(error), is_lasting=True)
        raise unusable


def _target_of(request: FaxRequest) -> tuple[object, ...]:
    """Say what of a request its authorisation must leave as it is, so that credentials stay on the account's host."""
    return request.kind, request.method, request.base_url, request.path, request.rate_limited


def _is_about_the_account(call: _Call) -> bool:
    """Tell whether a refusal of credentials is about those of the connection, and not of a storage or a stale token."""
    if call.is_test or call.has_old_token or call.made is None:
        return False
    return call.made.base_url is None or call.made.kind is RequestKind.TOKEN


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, FaxLostContactError):
        return not error.is_lasting
    return isinstance(error, FaxThrottledError) and not isinstance(error, FaxRateLimitError)


_growing = tenacity.wait_exponential_jitter(initial=1, max=_LONGEST_PAUSE, jitter=1)


def _pause(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    asked_for = error.retry_after if isinstance(error, FaxThrottledError) else None
    return min(max(_growing(state), asked_for or 0.0), _LONGEST_PAUSE)
