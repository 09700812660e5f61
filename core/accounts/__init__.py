"""People: who has an account, what each may do, and where each is signed in."""
