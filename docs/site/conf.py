"""How Sphinx makes the documentation site: ``make site``, by way of build.py beside this file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent.parent / "airflow_provider_faxto"

# What a user imports, and what the vendor of a distribution of its own builds on.
PUBLIC = {
    "operators.fax": "send a fax; branch on what became of it",
    "operators.retries": "whether and when a failed attempt is made again, by cause",
    "sensors.fax": "wait for a fax job",
    "triggers.fax": "the deferred wait",
    "hooks.fax": "any fax account, by its connection",
    "hooks.faxto": "a Fax.to account",
    "hooks.interfax": "an InterFAX account",
    "hooks.extrafax": "an ExtraFax Cloud account",
    "fax": "outcomes, causes, statuses, status codes, options",
    "exceptions": "what a task and a hook raise, in one tree",
    "simulator": "the vendors on loopback, for tests",
    "simulator.pytest_plugin": "its fixtures",
    "vendors.base": "what a vendor offers: for a vendor of your own",
    "vendors.faxto": "Fax.to's calls and answers",
    "vendors.interfax": "InterFAX's",
    "vendors.extrafax": "ExtraFax Cloud's",
    "vendors.lookup": "how a fax is found in a vendor's records",
    "vendors.parsing": "reading what vendors send",
}

project = "airflow-provider-faxto"
(release,) = re.findall(r'^__version__ = "(.+)"$', (PACKAGE / "__init__.py").read_text(encoding="utf-8"), re.MULTILINE)
version = release
language = "en"

extensions = ["myst_parser", "autoapi.extension"]
nitpicky = True
# What others document (Airflow, the standard library) is named and not linked: a link needs their inventory, which is
# on other hosts.
nitpick_ignore_regex = [("py:.*", r"(?!airflow_provider_faxto\.).*")]

# As code hosts make the anchors of headings.
myst_heading_anchors = 6
myst_links_external_new_tab = False
suppress_warnings = [
    # Names that one assignment gives several values at once are not followed through an import, and need not be.
    "autoapi.python_import_resolution",
    # What a public module re-exports stands in two places, and a link to either is right.
    "ref.python",
]

# The source is read and not imported, so the site needs no Airflow.
autoapi_dirs = [str(PACKAGE)]
autoapi_root = "api"
autoapi_add_toctree_entry = False
autoapi_keep_files = False
autoapi_member_order = "groupwise"
autoapi_options = ["members", "undoc-members", "show-inheritance", "imported-members"]

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = [str(HERE / "static")]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {"top_of_page_buttons": []}
# Light and dark code with the same contrast as the pages.
pygments_style = "default"
pygments_dark_style = "github-dark"


def skip(app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object) -> bool:
    """Leave out what a module has from another one, unless users import it from there."""
    module = name.rpartition(".")[0].removeprefix("airflow_provider_faxto.")
    return skip or (getattr(obj, "imported", False) and module not in PUBLIC)


def setup(app: Sphinx) -> None:
    """Connect the above."""
    app.connect("autoapi-skip-member", skip)
