"""The command: ``airflow fax`` where Airflow takes commands of providers, and ``python -m airflow_provider_faxto``.

It asks and tells, and makes one send where a person says so. What may be sent, and that it is sent once, is the hook's
business, as it is for a task.
"""
