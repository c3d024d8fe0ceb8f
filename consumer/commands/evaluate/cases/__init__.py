"""
Cases: texts and the labels that they deserve, from files of any size and of several formats.

`formats` yields rows, `columns` makes labelled texts of them, `survey` counts before a run begins.
"""
