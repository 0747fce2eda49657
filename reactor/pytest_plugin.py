"""Fixtures for testing programs written on wirelab, found by pytest wherever wirelab is installed."""
