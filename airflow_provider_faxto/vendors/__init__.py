"""The vendors: one package each, with everything that this vendor does differently.

Nothing here opens a connection or reads a file. A vendor turns a call into a *flow*, which yields requests and is sent
the responses, until it returns a value in the language of fax (see :mod:`airflow_provider_faxto.vendors.base`). The
hook makes the requests.
"""

from __future__ import annotations
