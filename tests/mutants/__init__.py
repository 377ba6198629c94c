"""Promises taken away one by one, on a copy of the tree, to see that a test notices."""
