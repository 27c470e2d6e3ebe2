"""Which texts can be the id of an Airflow connection.

Nothing heavy is imported: triggers ask it in their event loop.
"""

from __future__ import annotations

import re

from airflow_provider_faxto.fax.errors import FaxConfigurationError

__all__ = ["check_conn_id"]

# As Airflow's ``validate_key`` has it: its API stores a connection under no other id.
_NOT_IN_AN_ID = re.compile(r"[^\w.-]|\.\.")
_LONGEST = 250


def check_conn_id(conn_id: object) -> str:
    """Check that a text has the form of a connection's id before a connection is looked up with it.

    Airflow asks its server for a connection with the id as a part of a URL, where ``id?x``, ``id#x`` and
    ``other/../id`` all find the connection ``id``: an account under another name than the one in logs and notes.

    :param conn_id: what was given as ``fax_conn_id``.
    :return: the id.
    :raises FaxConfigurationError: if it is not text, is empty or longer than 250 characters, or holds anything but
        letters, digits, dashes, underscores and single dots. Of a wrong one only the sign is shown: a whole URI with a
        password may stand here by mistake.
    """
    if not isinstance(conn_id, str):
        problem = f"is {type(conn_id).__name__} and not text; did its template render to nothing?"
    elif not conn_id:
        problem = "is empty; did its template render to nothing?"
    elif (odd := _NOT_IN_AN_ID.search(conn_id)) is not None:
        problem = f"holds {odd[0]!a}."
    elif len(conn_id) > _LONGEST:
        problem = f"is longer than {_LONGEST} characters."
    else:
        return conn_id
    raise FaxConfigurationError(
        f"The fax_conn_id {problem} Nothing was looked up. Give the id of a connection, such as interfax_default: "
        "letters, digits, dashes, underscores and single dots."
    )
