"""The endpoints that serve one model: which of them are there, and which is asked."""
