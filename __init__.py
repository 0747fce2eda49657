"""The root of the checkout is the package ``wirelab``; each folder here is one of its rooms."""
