"""
Every knob of the service, typed, limited, and with its unit in the name.

One file for each table of `safeguard.toml`; `settings` is the whole, `load` reads it. Read by the
commands, the worker and the demo alone; everything else gets plain values.
"""
