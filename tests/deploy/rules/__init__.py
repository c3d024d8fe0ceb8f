"""What has to hold of the shipped files: each module finds the faults of one kind."""
