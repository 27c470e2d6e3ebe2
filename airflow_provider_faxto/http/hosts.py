"""Whether a base URL can be called at all, and whether what goes there can be read on the way."""

from __future__ import annotations

from urllib.parse import urlsplit

from airflow_provider_faxto.vendors.parsing import is_loopback

__all__ = ["host_of", "is_base_url", "travels_in_the_clear"]


def is_base_url(url: str) -> bool:
    """Tell whether a text is a base URL: ``http`` or ``https``, a host, perhaps a port and a path, nothing else.

    :param url: the text.
    :return: whether it is. A user, a query, a fragment, a blank or a character that cannot be printed are not allowed.
    """
    try:
        parts = urlsplit(url)
        is_complete = parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    is_bare = parts.username is None and not parts.query and not parts.fragment
    # The parser drops tabs and line ends, and what is called later is the text as it is.
    return bool(is_complete) and is_bare and " " not in url and url.isprintable()


def host_of(url: str) -> str:
    """Tell the host of a base URL, for messages.

    :param url: the base URL.
    :return: the host's name or address, without a user and a port.
    """
    try:
        return urlsplit(url).hostname or "no host"
    except ValueError:
        return "no host"


def travels_in_the_clear(url: str) -> bool:
    """Tell whether what is sent to a base URL leaves this machine without encryption.

    :param url: the base URL.
    :return: whether it is ``http://`` and not this machine (``localhost``, ``127.0.0.1``, ``::1``).
    """
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")
