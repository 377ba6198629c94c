"""What bringing dossiers to a receiver is made of, whoever the receiver is."""
