"""Beginning: the first files of one's own, written so that the next command works"""
