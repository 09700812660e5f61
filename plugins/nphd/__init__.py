"""Invitations to sign an NPHD: one list per officer and date, sent as text messages."""
