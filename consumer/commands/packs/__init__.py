"""
Packs: policies as others publish them, brought here and written back.

`passages` takes a document apart, `coded` and `labeler` each read one layout, `table` reads cases.
"""
