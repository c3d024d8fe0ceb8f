"""The real worker on a real broker against servers that answer oddly: see `odd_servers`."""
