"""
Measures: how good labels are, each with the range that holds the true figure. Pure.

Counts are added up answer by answer, so that no set is too large; figures follow from counts.
"""
