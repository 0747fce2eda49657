"""The terminal face, and everything that the terminal and the notebook share."""
