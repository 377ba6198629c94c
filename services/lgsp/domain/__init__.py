"""The rules of the field: dossier, status, deadline clock, rates. Stdlib only, no I/O, time is an argument."""
