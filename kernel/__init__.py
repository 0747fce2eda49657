"""The Jupyter face: the same session as the console's, behind a notebook."""
