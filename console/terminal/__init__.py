"""The face at a terminal: the prompt, its keys and its history, on the one loop of the session.

Start reading at `console` (read, run, show), then `prompt` (the line editor) and `shell` (IPython's part).
Only `prompt` and what it imports need prompt_toolkit: running a script does without.
"""
