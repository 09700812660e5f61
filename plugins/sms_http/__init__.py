"""Any SMS gateway that speaks HTTP, described by settings instead of code."""
