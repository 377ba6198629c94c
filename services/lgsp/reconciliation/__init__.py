"""Finds, proves and mends the differences between the province and the national portal."""
