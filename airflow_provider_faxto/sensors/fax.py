"""The sensor that waits until the status of a fax is permanent, and hands it on."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowNotFoundException,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    TaskDeferred,
    conf,
)

from airflow_provider_faxto import clock
from airflow_provider_faxto.exceptions import fail_without_retry
from airflow_provider_faxto.fax.errors import FaxAccountStoppedError, FaxError
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.figures import count_attempt
from airflow_provider_faxto.hooks.patience import LAST_READ, ONE_READ, POLLING
from airflow_provider_faxto.operators.arguments import read_seconds, read_switch
from airflow_provider_faxto.operators.outcomes import hand_on
from airflow_provider_faxto.operators.rendered import read_text

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_faxto.hooks.fax import FaxHook
    from airflow_provider_faxto.hooks.patience import Patience
    from airflow_provider_faxto.waiting.waiter import FaxWaiter

__all__ = ["FaxStatusSensor"]

# The key in Airflow's task state store of the job whose end stands in the figures.
_COUNTED = "fax_counted"


class FaxStatusSensor(BaseSensorOperator):
    """Wait until a fax job has a permanent status.

    The sensor *succeeds* on any permanent status, good or bad, and returns it, so that a
    ``FaxOutcomeBranchOperator`` downstream can decide; ``raise_on_failure=True`` makes it raise instead. Poke,
    reschedule and deferrable mode return the same value, raise the same errors and end at the same time.

    When contact to the vendor is lost the sensor goes on waiting, with growing pauses. When ``timeout`` has
    passed without a permanent status, the outcome is ``unknown``: not a time-out error, since the fax may have
    arrived.

    :param job_id: the fax job: what ``SendFaxOperator`` pushed to XCom as ``job_id``. Templated.
    :param fax_conn_id: the Airflow connection; its type names the vendor. Templated. Default:
        ``faxto_default``.
    :param raise_on_failure: whether to raise on any outcome but success: ``FaxRetryableError``,
        ``FaxFatalError`` or ``FaxUnknownOutcomeError``. Default: ``False``. Beware: the sensor's ``retries``
        only ask again for a job that will not change; to send again, retry the task that sends.
    :param deferrable: whether to wait in the triggerer, without a worker slot. Default: Airflow's
        ``[operators] default_deferrable``.
    :param poke_interval: seconds between two requests for the status; less than 1 is taken for 1. Default: 60. InterFAX
        and ExtraFax Cloud answer six requests a minute for a whole account; where those are spent, a request waits
        until one is free. Together with ``exponential_backoff`` it is the first pause.
    :param timeout: seconds until the outcome is ``unknown``. Default: Airflow's ``[sensors] default_timeout``
        (7 days).
    :param kwargs: what every sensor takes; ``mode``, ``soft_fail``, ``retries`` and so on. With ``soft_fail`` or
        ``never_fail`` whatever would fail the sensor skips it; a ``timeout`` is no failure here.
    """

    template_fields: Sequence[str] = ("job_id", "fax_conn_id")
    ui_color = "#dcebf7"

    _stopped: FaxAccountStoppedError | None = None

    def __init__(
        self,
        *,
        job_id: str,
        fax_conn_id: str = "faxto_default",
        raise_on_failure: bool | str = False,
        deferrable: bool | str = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        for duration in ("poke_interval", "timeout"):
            if isinstance(kwargs.get(duration), str):
                kwargs[duration] = read_seconds(duration, kwargs[duration])
        super().__init__(**kwargs)
        self.job_id = job_id
        self.fax_conn_id = fax_conn_id
        self.raise_on_failure = read_switch("raise_on_failure", raise_on_failure)
        self.deferrable = read_switch("deferrable", deferrable)

    def execute(self, context: Context) -> dict[str, Any]:
        """Wait in the mode that the sensor was given.

        :param context: the task's context.
        :return: ``FaxStatus.to_dict()``.
        :raises FaxPermanentError: if the connection or the job id is wrong, or the vendor does not know the job for a
            minute.
        :raises FaxAccountStoppedError: if the vendor refuses the password for an hour, or once it was changed.
        :raises AirflowNotFoundException: if there is no such connection.
        :raises FaxRetryableError: with ``raise_on_failure`` only, as the next two.
        :raises FaxFatalError: see above.
        :raises FaxUnknownOutcomeError: see above.
        """
        with self._skip_if_soft():
            return self._conclude(
                context, self._ask_then_defer() if self.deferrable else self._poke_until_final(context)
            )

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Go on after the trigger has fired; wait on if it could not tell, and the fax is under way.

        :param context: the task's context.
        :param event: the trigger's payload.
        :return: ``FaxStatus.to_dict()``.
        :raises FaxError: as :meth:`execute`.
        """
        from airflow_provider_faxto.waiting.waiter import confirm

        with self._skip_if_soft():
            status = confirm(event, lambda: self._make_waiter(LAST_READ))
            return self._conclude(context, status if isinstance(status, FaxStatus) else self._wait_deferred(status))

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:  # noqa: ANN401 - Airflow's signature
        """Go on; where Airflow has ended the wait itself, since no triggerer ran by the deadline, look once more.

        :param next_method: the method to go on with.
        :param next_kwargs: its arguments.
        :param context: the task's context.
        :return: what the method returns.
        :raises FaxError: as :meth:`execute`.
        """
        from airflow_provider_faxto.waiting.waiter import event_of_timeout, is_trigger_timeout

        if not is_trigger_timeout(next_method, next_kwargs):
            return super().resume_execution(next_method, next_kwargs, context)
        return self.execute_complete(context, event_of_timeout(str(self.job_id)))

    def poke(self, context: Context) -> PokeReturnValue:  # noqa: ARG002 - Airflow's signature
        """Ask for the status once.

        :param context: the task's context.
        :return: done with ``FaxStatus.to_dict()`` if the status is permanent; else not done.
        :raises FaxPermanentError: if the wait cannot go on.
        :raises FaxAccountStoppedError: if the vendor has refused the password for an hour, or once it was changed.
            ``silent_fail`` hides neither, as it does not where the wait is deferred.
        """
        try:
            with fail_without_retry():
                status = self._waiter.poll()
        except FaxAccountStoppedError as error:
            self._stopped = error
            raise
        if status is not None and status.is_final:
            return PokeReturnValue(is_done=True, xcom_value=status.to_dict())
        return PokeReturnValue(is_done=False)

    @cached_property
    def _waiter(self) -> FaxWaiter:
        return self._make_waiter(POLLING)

    def _make_waiter(self, patience: Patience) -> FaxWaiter:
        from airflow_provider_faxto.waiting.waiter import FaxWaiter

        job_id = read_text("job_id", self.job_id, is_required=True)
        make_hook = partial(self._make_hook, patience)
        return FaxWaiter(make_hook(), str(job_id), poll_interval=self.poke_interval, make_hook=make_hook)

    def _make_hook(self, patience: Patience) -> FaxHook:
        # Imported here: a DAG file that names the sensor needs no HTTP client while it is parsed.
        from airflow_provider_faxto.hooks.fax import FaxHook

        fax_conn_id = read_text("fax_conn_id", self.fax_conn_id, is_required=True)
        hook = FaxHook.for_connection(str(fax_conn_id), patience=patience)
        hook.mask_secrets()
        return hook

    def _poke_until_final(self, context: Context) -> FaxStatus:
        # The base class makes an error of a time-out. Here it is an outcome, so the base class is told of no
        # time-out and ``_get_next_poke_interval``, which it calls with the time that has passed, watches it.
        self._wait_at_most, self.timeout = self.timeout, float("inf")
        try:
            return FaxStatus.from_dict(super().execute(context))
        except _WaitIsOver as over:
            return over.status
        finally:
            self.timeout = self._wait_at_most

    def _get_next_poke_interval(
        self,
        started_at: dt.datetime | float,
        run_duration: Callable[[], float],
        poke_count: int,
    ) -> float:
        if self._stopped is not None:
            # The base class has taken it for something that may pass.
            raise self._stopped
        waited = run_duration()
        if self.reschedule and self._waiter.keeps_its_worker:
            # The worker that looks next would not know since when the job is missing, or the password refused.
            status = self._waiter.wait_until_clear(clock.now() + self._wait_at_most - waited)
            if status is not None and status.is_final:
                raise _WaitIsOver(status)
            waited = run_duration()
        if waited >= self._wait_at_most:
            raise _WaitIsOver(self._waiter.give_up())
        pause = self._waiter.pause
        if self._waiter.not_found is None:
            pause = max(pause, super()._get_next_poke_interval(started_at, run_duration, poke_count))
        return min(pause, self._wait_at_most - waited)

    def _ask_then_defer(self) -> FaxStatus:
        """Ask once if a request may go out now, and defer if that is not the end."""
        deadline = clock.now() + self.timeout
        status = self._waiter.poll()
        return status if status is not None and status.is_final else self._wait_deferred(deadline)

    def _wait_deferred(self, deadline: float) -> FaxStatus:
        """Defer; wait on the worker if that is not worth it."""
        from airflow_provider_faxto.triggers.fax import FaxStatusTrigger, is_long_enough_to_defer

        seconds = deadline - clock.now()
        if not is_long_enough_to_defer(seconds):
            return self._waiter.wait(deadline)
        raise TaskDeferred(
            trigger=FaxStatusTrigger(str(self.job_id), self.fax_conn_id, self.poke_interval, deadline),
            method_name="execute_complete",
            # The trigger keeps the deadline; this ends the task should the trigger itself be stuck.
            timeout=timedelta(seconds=seconds + 2 * self.poke_interval + 60),
        )

    def _conclude(self, context: Context, status: FaxStatus) -> dict[str, Any]:
        from airflow_provider_faxto.hooks.registry import name_account
        from airflow_provider_faxto.receipts.receipt import receipt_of_job
        from airflow_provider_faxto.receipts.record import push_record

        account = name_account(status.vendor, self.fax_conn_id)
        push_record(
            context["ti"],
            receipt_of_job(status, conn_id=str(self.fax_conn_id), account=""),
            is_of_sensor=True,
        )
        self._write_receipt(status)
        if _is_new_end(context, status):
            count_attempt(status, None)
        return hand_on(context, self.log, status, account=account, raises=self.raise_on_failure)

    def _write_receipt(self, status: FaxStatus) -> None:
        """Complete the receipt of the task that sent; what it knows of the fax stays."""
        from airflow_provider_faxto.receipts.image import keep_image
        from airflow_provider_faxto.receipts.receipt import receipt_of_job
        from airflow_provider_faxto.receipts.store import receipts_root, write_end

        if receipts_root() is None:
            return
        try:
            hook = self._make_hook(POLLING)
            account, conn_id = hook.account_id, hook.fax_conn_id
        except Exception as error:  # noqa: BLE001 - Airflow's own among them: a receipt is no reason for a wait to fail
            self.log.warning(
                "The receipt of fax job %s cannot be written: its connection cannot be used (%s).",
                status.job_id,
                type(error).__name__,
            )
            return
        receipt = write_end(receipt_of_job(status, conn_id=conn_id, account=account), status)
        keep_image(receipt, partial(self._make_hook, ONE_READ))

    @contextlib.contextmanager
    def _skip_if_soft(self) -> Iterator[None]:
        """Turn an error into a skip where the sensor was asked to; the same in every mode."""
        try:
            with fail_without_retry():
                yield
        except (FaxError, AirflowNotFoundException) as error:
            # The second is Airflow's error for a missing connection.
            if self.soft_fail or self.never_fail:
                raise AirflowSkipException(str(error)) from error
            # The frames of this package say nothing to who reads the task's log.
            raise error.with_traceback(None) from None


def _is_new_end(context: Context, status: FaxStatus) -> bool:
    """Tell whether this is the first run of the sensor that ends with this job; without Airflow's store, the first."""
    store: Any = context.get("task_state_store")
    if store is None:
        ti: Any = context.get("ti")
        return ti is not None and ti.try_number <= 1
    try:
        if store.get(_COUNTED) == status.job_id:
            return False
        store.set(_COUNTED, status.job_id)
    except Exception:  # noqa: BLE001 - the supervisor, in process or not, has errors of its own
        return False
    return True


class _WaitIsOver(Exception):  # noqa: N818 - not an error: it ends the base class's loop
    """There is a final status, or the sensor has waited as long as it was told to."""

    def __init__(self, status: FaxStatus) -> None:
        super().__init__()
        self.status = status
