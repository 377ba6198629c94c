"""The rules of the field: dossier, status, clock, rates. Stdlib only, time is an argument."""
