"""
Runs: every labelled text judged by each version, model and effort asked for, kept as it goes.

`judging` asks the endpoints by the path that workers use; `results` is the file that is resumed.
"""
