"""What the operating system gives: the loop and its drivers, time, Deferreds, transports, endpoints."""
