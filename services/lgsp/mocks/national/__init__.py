"""Mock of the national portal, transport A: strict, scriptable in its faults, kept on disk."""
