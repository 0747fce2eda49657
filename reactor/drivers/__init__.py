"""The small parts that wait for descriptors and time, one per kind of event loop."""
