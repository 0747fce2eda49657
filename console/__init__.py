"""The terminal face, and everything that the terminal and the notebook share.

Start reading at `shell` (what is added to IPython) and `session` (what is live). Both faces share these and
`verbs` (what can be said at the prompt; `connecting`, `serving`, `closing`, `work`, `net` and `jobs` do it),
`conversation` (what `connect` gives, over `reading`), `views` and `displays` (how live objects look) and
`announcements` (what is told late). `terminal` is the terminal's alone, `main` the ``wirelab`` command.

``%load_ext wirelab.console`` brings the session to an ordinary IPython.
"""

from .extension import load_ipython_extension, unload_ipython_extension

__all__ = ["load_ipython_extension", "unload_ipython_extension"]
