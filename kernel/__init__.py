"""The Jupyter face: the same session as the console's, behind a notebook.

Start reading at `application` (the process: its loop, its beginning and end), then `kernel` (what differs
from IPython's), `dispatch` (questions answered while a cell waits), `interrupt` (what an interrupt stops).
`kernelspec` and `command` make front ends find it: ``wirelab kernel install``.
"""
