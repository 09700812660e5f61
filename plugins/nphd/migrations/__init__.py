"""History of the tables of the invitations."""
