"""The terminal face, and everything that the terminal and the notebook share.

Start reading at `shell` (what is added to IPython), then `session` (what is live), `verbs` (what can be said
at the prompt) and `conversation` (what `connect` gives). `main` is the ``wirelab`` command.

``%load_ext wirelab.console`` brings the session to an ordinary IPython.
"""

from .extension import load_ipython_extension, unload_ipython_extension

__all__ = ["load_ipython_extension", "unload_ipython_extension"]
