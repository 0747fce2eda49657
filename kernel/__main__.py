"""``python -m wirelab.kernel -f CONNECTION_FILE``: what a front end starts."""

from .application import main

main()
