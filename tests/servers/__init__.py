"""Inference servers for tests: a generated model behind the real llama.cpp server."""
