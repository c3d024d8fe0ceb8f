"""This member's share of the partitions: how it begins and ends, what flows, what was committed."""
