"""What the service is about, in its own words. Performs no I/O and imports only `errors`."""
