"""The vendors: one module each, with everything that this vendor does differently.

A module here opens no connection and reads no file. It turns a call into *flows*: a flow yields requests and
is sent the responses, until it returns a value in the language of fax (see
:mod:`airflow_provider_faxto.vendors.base`). Whoever drives the flow does the input and output.
"""

from __future__ import annotations
