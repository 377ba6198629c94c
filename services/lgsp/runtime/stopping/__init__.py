"""How a process ends: the order to stop, waits that it cuts short, the last resort."""
