"""Grants: institutions, grants, their workflow, search, contacts, notes, and the log of each."""
