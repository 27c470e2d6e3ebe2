"""Send a fax from an Airflow DAG, wait until its status is permanent, and branch on what became of it.

The package's rooms, each of which imports only what stands before it (``tests/test_layers.py`` holds the table):

* :mod:`airflow_provider_faxto.fax`: the language of fax. No Airflow, no input or output.
* :mod:`airflow_provider_faxto.vendors`: one package a vendor, from arguments to a request and from a response to the
  language of fax. No Airflow, no input or output.
* :mod:`airflow_provider_faxto.http`: requests out, responses in, within the account's limit.
* :mod:`airflow_provider_faxto.hooks`: an Airflow connection in, typed calls out.
* :mod:`airflow_provider_faxto.sending`: a logical fax is sent once.
* :mod:`airflow_provider_faxto.waiting`: whom to ask next, and when a wait ends.
* :mod:`airflow_provider_faxto.cli`: the command, for a person at a terminal and for scripts.
* ``triggers``, ``sensors``, ``operators``: what a DAG uses; :mod:`airflow_provider_faxto.exceptions`: what they raise.

Beside them stands :mod:`airflow_provider_faxto.simulator`, the vendors on loopback for tests and demos.
"""

from __future__ import annotations

__version__ = "0.4.0"
