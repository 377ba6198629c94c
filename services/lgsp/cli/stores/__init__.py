"""Commands that copy, put back or make anew what the workers store."""
