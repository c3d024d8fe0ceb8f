"""The stand-in for an inference server: what it says, how slow it is, and what goes wrong."""
