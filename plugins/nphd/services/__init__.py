"""Rules of the invitations, one module per thing that a person does."""
