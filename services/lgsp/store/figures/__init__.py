"""Figures read from the store: sums of day cells, and the dossiers behind them."""
