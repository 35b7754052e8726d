"""How Sphinx builds the documentation; the pages are Markdown (MyST)."""

import pcaspy

project = "pcaspy and aioca"
author = "the pcaspy developers"
release = version = pcaspy.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
# The latter are included by a page of their own.
exclude_patterns = ["_build", "explanation/performance-*.md"]
html_theme = "furo"
html_title = "pcaspy and aioca"

myst_enable_extensions = ["attrs_block", "colon_fence"]
myst_heading_anchors = 3

default_role = "py:obj"  # `name` in a docstring
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
add_module_names = False
