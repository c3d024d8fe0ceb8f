"""What people write: records, how their bytes are read, and what is shown beside them."""
