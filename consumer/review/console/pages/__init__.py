"""Pages: what each shows or does. They block, and are run in a bounded pool of threads."""
