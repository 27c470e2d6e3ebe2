"""Send a fax from an Airflow DAG, wait until its status is permanent, and branch on what became of it.

The package has four layers, and each imports only those above it:

1. :mod:`airflow_provider_faxto.fax`: the language of fax. No Airflow, no input or output.
2. :mod:`airflow_provider_faxto.vendors`: one module a vendor, from arguments to a request and from a
   response to the language of fax. No Airflow, no input or output.
3. :mod:`airflow_provider_faxto.hooks`: an Airflow connection in, typed calls out.
4. ``triggers``, ``sensors``, ``operators``: what a DAG uses.

Beside them stands :mod:`airflow_provider_faxto.simulator`, the vendors on loopback for tests and demos.
"""

from __future__ import annotations

__version__ = "0.3.0"
