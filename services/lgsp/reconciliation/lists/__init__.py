"""Lists of dossiers that the national side sends: each line answered with its proof."""
