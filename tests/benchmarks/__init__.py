"""The benchmarks: how fast and how dear the worker is, beside what others would write."""
