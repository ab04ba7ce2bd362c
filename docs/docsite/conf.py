# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Sphinx makes the site with. ``build.py`` lays out what it reads."""

from __future__ import annotations

project = "hybridops.aws_agents"
author = "HybridOps contributors"
copyright = f"2026, {author}. GPL-3.0-or-later"  # noqa: A001  (Sphinx's name for it)

extensions = ["myst_parser", "sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
master_doc = "index"
# Links to a heading of another page.
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
# Words in examples are those of many languages and none.
highlight_language = "text"

# Of Ansible's own pages those alone that the reference points to, so that no network is needed: ``build.py`` writes the list.
intersphinx_mapping = {"ansible": ("https://docs.ansible.com/ansible/latest/", "../ansible.inv")}

html_theme = "furo"
html_title = project
html_show_sphinx = False
html_theme_options = {"top_of_page_buttons": []}
html_static_path = ["static"]
html_css_files = ["site.css"]
