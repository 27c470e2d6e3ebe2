"""From what a task was given to the fax that it is to send, all of it checked before anything goes out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.documents import combined_sha256
from airflow_provider_faxto.fax.key import logical_fax_key
from airflow_provider_faxto.operators.arguments import read_idempotency_key, read_options, read_resend
from airflow_provider_faxto.operators.rendered import read_documents, read_number_text
from airflow_provider_faxto.sending.logical_fax import LogicalFax

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_faxto.hooks.fax import FaxHook

__all__ = ["prepare_fax"]


def prepare_fax(
    context: Context,
    hook: FaxHook,
    *,
    fax_number: object,
    document: object,
    options: object,
    idempotency_key: object,
    resend: object,
    label: str | None = None,
) -> LogicalFax:
    """Read a task's arguments as its templates have rendered them, and check them against the connection.

    :param context: the task's context.
    :param hook: the account.
    :param fax_number: as for ``SendFaxOperator``, like all that follow.
    :param document: see above.
    :param options: see above.
    :param idempotency_key: see above.
    :param resend: see above.
    :param label: which fax of the task this is, where it sends many; then the caller has checked the connection.
        Default: none, it sends one.
    :return: the fax, with the key under which the vendor stores it.
    :raises FaxInputError: if one of them cannot be used, or the connection does not allow the fax.
    :raises FaxConfigurationError: if the connection cannot be used.
    """
    read = read_options(options)
    if label is None:
        hook.check_configuration()
    number = hook.parse_fax_number(read_number_text(fax_number))
    hook.check_recipient(number)
    documents = hook.load_documents(read_documents(document))
    hook.vendor.check_send(documents, read)
    ti: Any = context["ti"]
    users_key = read_idempotency_key(idempotency_key)
    make_key = partial(
        logical_fax_key,
        dag_id=ti.dag_id,
        task_id=ti.task_id,
        run_id=ti.run_id,
        map_index=ti.map_index if ti.map_index is not None else -1,
        fax_number=number,
        document_sha256=combined_sha256(documents),
        idempotency_key=users_key,
        namespace=hook.key_namespace,
        label=label,
    )
    text = read_resend(resend)
    return LogicalFax(
        key=make_key(resend=text),
        fax_number=number,
        documents=documents,
        options=read,
        resend_of=make_key() if text else None,
        is_users_key=users_key is not None,
    )
