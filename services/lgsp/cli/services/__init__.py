"""Commands that run until they are told to stop, and the one that waits for them."""
