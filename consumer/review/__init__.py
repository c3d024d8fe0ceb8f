"""
Review: messages that people decide about, from what asks for them to the decision on the topics.

It may import kafka, registry, pipeline and what lies below. A worker never imports it.
"""
