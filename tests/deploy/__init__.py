"""What is shipped in `deploy/`: written where it is generated, checked, and shown to be checked."""
