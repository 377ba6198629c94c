"""`lgsp reconcile`: differences between both sides, by a list or by look-ups; their repair."""
