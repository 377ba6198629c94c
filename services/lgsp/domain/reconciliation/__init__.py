"""What we hold of a dossier against what the national portal holds: differences and causes."""
