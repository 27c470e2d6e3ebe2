"""What Airflow reads when it discovers the provider. Nothing is imported here, so discovery stays cheap."""

from __future__ import annotations

from typing import Any

_TIMEOUT = {
    "label": "Time-outs (s)",
    "description": (
        "Seconds to wait for an answer, or JSON with connect, read and upload. "
        'Default: {"connect": 10, "read": 30, "upload": 120}.'
    ),
    "schema": {"type": ["string", "null"]},
}
_DEFAULT_REGION = {
    "label": "Default region",
    "description": "Country of fax numbers without a plus sign, as two letters (US, DE). Default: none.",
    "schema": {"type": ["string", "null"], "maxLength": 2},
}
_KEY_NAMESPACE = {
    "label": "Key namespace",
    "description": (
        "A word for this installation, such as staging, where several installations of Airflow share the account: a "
        "task then never takes the other's fax for its own. Do not change it while faxes are under way. Default: none."
    ),
    "schema": {"type": ["string", "null"]},
}
_WHEN_OUT_OF_CREDIT = {
    "label": "Out of credit",
    "description": (
        "What becomes of a send while the account is known to have no credit. send (default): it goes to the vendor, "
        "which holds or refuses it. wait: the task ends with an error that Airflow retries. fail: it fails at once."
    ),
    "schema": {"type": ["string", "null"], "enum": ["send", "wait", "fail"]},
}
_CODE_OUTCOMES = {
    "label": "Outcome per code",
    "description": (
        'JSON that overrides what a failure code means, such as {"3912": "retryable"}. '
        "Outcomes: retryable, fatal, unknown."
    ),
    "schema": {"type": ["string", "null"]},
}

_REMEMBER_BAD_NUMBERS = {
    "label": "Remember bad numbers (days)",
    "description": (
        "For how many days a number is not dialled again, from any DAG, that was not operational, had changed or was "
        "answered by a person. 0 is off. Default: 30."
    ),
    "schema": {"type": ["string", "null"], "pattern": "^[0-9]{1,4}$"},
}
_ANY_TEXT = {"type": ["string", "null"]}
# What may be faxed, and where to. A DAG cannot change these.
_GATES = {
    "allowed_numbers": {
        "label": "Allowed numbers",
        "description": (
            "Prefixes and countries that may be dialled, separated by commas, such as +1, DE, +49 30. Default: all."
        ),
        "schema": _ANY_TEXT,
    },
    "denied_numbers": {
        "label": "Denied numbers",
        "description": "The same for what may not be dialled; it beats what is allowed. Default: none.",
        "schema": _ANY_TEXT,
    },
    "allowed_numbers_from": {
        "label": "Approved numbers from",
        "description": (
            "A file on the workers, or a storage URL, with one approved number a line. These are allowed beside the "
            "allowed numbers, and no others. Default: none."
        ),
        "schema": _ANY_TEXT,
    },
    "allow_costly_numbers": {
        "label": "Allow costly numbers",
        "description": "true to let premium-rate, shared-cost and satellite numbers be dialled. Default: false.",
        "schema": _ANY_TEXT,
    },
    "document_roots": {
        "label": "Document roots",
        "description": (
            "Folders and storage prefixes below which a document must lie, separated by commas, such as /data/outbox, "
            "s3://bucket/outbox. Default: every file that a worker can read."
        ),
        "schema": _ANY_TEXT,
    },
    "max_pages": {
        "label": "Most pages",
        "description": "How many pages a fax may have, over all its documents. Default: any number.",
        "schema": _ANY_TEXT,
    },
    "max_pages_strict": {
        "label": "Refuse uncounted pages",
        "description": (
            "true to refuse, where there is a limit, documents whose pages cannot be counted (all but PDF, PNG and "
            "JPEG). Default: false."
        ),
        "schema": _ANY_TEXT,
    },
    "allowed_dags": {
        "label": "Allowed DAGs",
        "description": "Patterns of the DAGs that may fax, separated by commas, such as billing_*. Default: all.",
        "schema": _ANY_TEXT,
    },
}
_MAX_COST = {
    "label": "Highest price",
    "description": "What a fax may cost, in the account's currency. Fax.to is asked before it sends. Default: any.",
    "schema": _ANY_TEXT,
}

# A form shows what most users set first, then what is the vendor's own, and last what only few need.
_FIRST = ("default_region", "timeout")
_LAST = (
    *_GATES,
    "max_cost",
    "remember_bad_numbers",
    "when_out_of_credit",
    "key_namespace",
    "requests_per_minute",
    "code_outcomes",
    "status_messages",
)


def _requests_per_minute(default: str) -> dict[str, Any]:
    return {
        "label": "Requests a minute",
        "description": (
            "How many status, list and search requests the account takes in a minute, over all that use it, 1 to 600. "
            f"Default: {default}."
        ),
        "schema": {"type": ["string", "null"], "pattern": "^[1-9][0-9]{0,2}$"},
    }


def _fields_of_all() -> dict[str, Any]:
    return {
        **_GATES,
        "remember_bad_numbers": _REMEMBER_BAD_NUMBERS,
        "timeout": _TIMEOUT,
        "default_region": _DEFAULT_REGION,
        "key_namespace": _KEY_NAMESPACE,
        "when_out_of_credit": _WHEN_OUT_OF_CREDIT,
        "requests_per_minute": _requests_per_minute("the vendor's own figure"),
    }


def _place(field: str) -> int:
    """Tell where in a form a field stands: before those that are the vendor's own, among them, or after them."""
    if field in _FIRST:
        return _FIRST.index(field) - len(_FIRST)
    return _LAST.index(field) + 1 if field in _LAST else 0


def _user_and_password(connection_type: str, hook_class: str, name: str, host_placeholder: str) -> dict[str, Any]:
    return {
        "connection-type": connection_type,
        "hook-class-name": hook_class,
        "hook-name": name,
        "ui-field-behaviour": {
            "hidden-fields": ["schema", "port", "extra"],
            "relabeling": {"host": "API host", "login": "User name"},
            "placeholders": {"host": host_placeholder},
        },
        "conn-fields": {
            "code_outcomes": _CODE_OUTCOMES,
            "requests_per_minute": _requests_per_minute("6, which the vendor documents"),
        },
    }


def _connection_types() -> list[dict[str, Any]]:
    """Describe every vendor: one entry each."""
    return [
        {
            "connection-type": "faxto",
            "hook-class-name": "airflow_provider_faxto.hooks.faxto.FaxToHook",
            "hook-name": "Fax.to",
            "ui-field-behaviour": {
                "hidden-fields": ["schema", "port", "login", "extra"],
                "relabeling": {"host": "API host", "password": "API key"},
                "placeholders": {"host": "https://fax.to", "password": "the API key from your dashboard"},
            },
            "conn-fields": {
                "api_version": {
                    "label": "API version",
                    "description": "v2 (default) or v1.",
                    "schema": {"type": ["string", "null"], "enum": ["v2", "v1"], "default": "v2"},
                },
                "api_key_in": {
                    "label": "API key travels in",
                    "description": (
                        "query (default; what Fax.to documents) or header (keeps the key out of URLs, but is "
                        "seen in generated clients only: press Test before you rely on it)."
                    ),
                    # No default: Airflow would show it as ***, since the name contains "api_key".
                    "schema": {"type": ["string", "null"], "enum": ["query", "header"]},
                },
                "status_messages": {
                    "label": "Words per outcome",
                    "description": (
                        "JSON with further words by which a status message is recognised, such as "
                        '{"pending": ["in the queue"], "success": ["delivered"]}.'
                    ),
                    "schema": {"type": ["string", "null"]},
                },
                "max_cost": _MAX_COST,
                "code_outcomes": _CODE_OUTCOMES,
                "requests_per_minute": _requests_per_minute("60; Fax.to documents no figure"),
            },
        },
        _user_and_password(
            "interfax",
            "airflow_provider_faxto.hooks.interfax.InterFaxHook",
            "InterFAX",
            "https://rest.interfax.net",
        ),
        _user_and_password(
            "extrafax",
            "airflow_provider_faxto.hooks.extrafax.ExtraFaxHook",
            "ExtraFax Cloud",
            "required: the API's base URL, from ExtraFax",
        ),
    ]


def _config() -> dict[str, Any]:
    """Describe what ``airflow.cfg`` may say, as Airflow's schema asks for it."""
    return {
        "faxto": {
            "description": "Fax, for all connections and DAGs.",
            "options": {
                "receipts": {
                    "description": (
                        "Where a receipt of each fax job is written, as JSON: a folder, or a URL that "
                        "ObjectStoragePath reads, such as s3://conn@bucket/receipts. Default: nowhere."
                    ),
                    "version_added": "0.4.0",
                    "type": "string",
                    "example": "s3://archive/fax-receipts",
                    "default": None,
                },
                "receipt_image": {
                    "description": (
                        "Whether the vendor's image of each fax is fetched and written beside its receipt, where the "
                        "vendor has one (InterFAX, ExtraFax Cloud). It shows the pages. Default: not."
                    ),
                    "version_added": "0.4.0",
                    "type": "boolean",
                    "example": "True",
                    "default": "False",
                },
                "on_account_stopped": {
                    "description": (
                        "The dotted path of a function that is called once for each stop of an account, which begins "
                        "when the vendor refuses its credentials: to page somebody, or to write a mail. It is given "
                        "one value with conn_id, vendor, reason, since and until. Default: none."
                    ),
                    "version_added": "0.4.0",
                    "type": "string",
                    "example": "our_alarms.page_on_account_stopped",
                    "default": None,
                },
            },
        },
    }


def get_provider_info() -> dict[str, Any]:
    """Describe the provider to Airflow.

    :return: the mapping that Airflow's provider schema asks for: the connection types with their forms, the options of
        ``airflow.cfg``, the modules of hooks, operators, sensors and triggers, and the function that describes the
        commands.
    """
    integration = "Fax"
    connection_types = _connection_types()
    for entry in connection_types:
        # What the hook reads of every connection, for entries that do not describe it themselves.
        fields = _fields_of_all() | entry["conn-fields"]
        entry["conn-fields"] = {name: fields[name] for name in sorted(fields, key=_place)}
    hook_modules = [entry["hook-class-name"].rpartition(".")[0] for entry in connection_types]
    return {
        "package-name": "airflow-provider-faxto",
        "name": "Fax",
        "description": (
            "Send a fax with Fax.to, InterFAX or ExtraFax Cloud, wait until its status is permanent, and branch "
            "on what became of it."
        ),
        "versions": ["0.4.0", "0.3.0", "0.2.0", "0.1.0"],
        "integrations": [
            {"integration-name": integration, "external-doc-url": "https://fax.to", "tags": ["service"]},
        ],
        "connection-types": connection_types,
        "config": _config(),
        "hooks": [
            {
                "integration-name": integration,
                "python-modules": ["airflow_provider_faxto.hooks.fax", *hook_modules],
            },
        ],
        "operators": [
            {"integration-name": integration, "python-modules": ["airflow_provider_faxto.operators.fax"]},
        ],
        "sensors": [
            {"integration-name": integration, "python-modules": ["airflow_provider_faxto.sensors.fax"]},
        ],
        "triggers": [
            {
                "integration-name": integration,
                "python-modules": ["airflow_provider_faxto.triggers.fax", "airflow_provider_faxto.triggers.faxes"],
            },
        ],
        # Releases that do not know the key leave it alone.
        "cli": ["airflow_provider_faxto.cli.definition.get_fax_commands"],
    }
