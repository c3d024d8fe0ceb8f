"""Takes records as a member of the group; start reading at `source.py`."""
