"""Commands that answer what the figures are, and which dossiers stand behind them."""
