"""What a connector remembers between runs: known dossiers, sent letters, large cursors."""
