"""
The real pipeline on a virtual clock: brokers, group, client and model are simulated from a seed.

Every process is an event loop of its own that a scheduler runs step by step; between any two steps
it may stand still or end. What the scheduler does is drawn from one seed, so a failing one replays
exactly: `python -m tests.simulation.simulate --seed 1234`.
"""
