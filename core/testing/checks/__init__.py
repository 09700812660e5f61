"""The checks of the conformance suite; each returns what is wrong, one sentence a finding."""
