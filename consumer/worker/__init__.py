"""
The service: settings become parts, parts become a member of the group.

The only room that knows all below it: `wiring` builds, `worker` starts and stops, `member` moves
records, `vitals` says how it is; `serve` and `supervisor` are processes.
"""
