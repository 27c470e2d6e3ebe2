"""Who may use the simulator's own interface: programs of this machine, and no page that a browser shows.

A page of any web site can let a browser send requests to this machine: with its own name made to lead here (DNS
rebinding), or as a form or a script without leave to read the response. Browsers say so in headers that no page can
change.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.requests import Request

__all__ = ["why_refused"]


def why_refused(request: Request, hosts: Collection[str] = ()) -> str | None:
    """Say why a request to the control interface is refused.

    :param request: the request.
    :param hosts: names beside ``localhost`` and the loopback addresses under which the interface may be called.
        Default: none.
    :return: a sentence; ``None`` if the request may be carried out.
    """
    host = request.headers.get("host", "").lower()
    if not _is_ours(host, hosts):
        return (
            "The simulator's control interface is called as 127.0.0.1, [::1] or localhost, and this request names "
            "another host. Allow a name of your own with --control-host NAME."
        )
    origin = request.headers.get("origin")
    if origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
        return "The simulator's control interface takes no request of another web page (Origin)."
    site = request.headers.get("sec-fetch-site", "none")
    is_link = request.method in ("GET", "HEAD") and request.headers.get("sec-fetch-mode") == "navigate"
    if site not in ("none", "same-origin") and not is_link:
        return "The simulator's control interface takes no request of another web page (Sec-Fetch-Site)."
    return None


def _is_ours(host: str, hosts: Collection[str]) -> bool:
    """Tell whether a ``Host`` is this machine or an allowed name, whatever its port: that may be forwarded."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or name in {each.lower() for each in hosts} or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
