"""Settings of Sphinx, for the sources that build.py puts together."""

import re
from importlib.metadata import version as installed_version
from typing import Any

project = "vqecg"
author = "The vqecg contributors"
release = version = installed_version("vqecg")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns: list[str] = []

myst_enable_extensions = ["deflist", "html_image"]
myst_heading_anchors = 3  # the anchors that a code host makes, so that links hold in both places
myst_disable_syntax = ["myst_line_comment"]  # a wrapped line may begin with %, which a code host shows
smartquotes = False  # -- begins an option
default_role = "code"  # docstrings write `name` as Markdown does

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_inherit_docstrings = False
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
nitpicky = False

html_theme = "furo"
html_title = f"vqecg {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
pygments_style = "friendly"
pygments_dark_style = "native"

BOUNDS = re.compile(r"(?:typing\.|~)*Annotated\[([^,\[\]]+), [\w.~]+\([^()]*\)\]")


def without_bounds(app: Any, what: str, name: str, value: Any, options: Any, signature: Any, returned: Any) -> Any:
    """A signature whose numbers are plain numbers: their bounds stand in what refuses others."""
    return (BOUNDS.sub(r"\1", signature), returned) if signature else None


def setup(app: Any) -> None:
    """Connects what changes signatures."""
    app.connect("autodoc-process-signature", without_bounds)
