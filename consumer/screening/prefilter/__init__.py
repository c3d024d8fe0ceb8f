"""
The learned filter of one policy version: what it sees of a text, how it scores, how it is made.

May import domain and errors. Reading and scoring need numpy; only `train.py` needs the extra
`prefilter` (scipy, scikit-learn).
"""

import os

# numpy's library for matrices begins a thread for each processor as it is loaded, and none is used.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
