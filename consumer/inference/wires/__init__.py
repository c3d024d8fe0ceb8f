"""The APIs that inference servers have: what is posted, and what an answer says."""
