"""The feed of the operations centre (IOC): figures over HTTP and SSE, and its page."""
