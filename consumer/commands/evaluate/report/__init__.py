"""
Report: what an evaluation found, as a table for a terminal, JSON, a page of HTML, or cases. Pure.
"""
