"""What the operating system gives: the loop and its drivers, time, Deferred, transports, endpoints, threads."""
