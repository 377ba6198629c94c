"""Rule profiles: by which rules dossiers are judged and counted. One file each."""
