"""A salt for the audits of tests: no secret, since it stands here, but as good as one."""

SALT = bytes.fromhex("9d1f6a0be473c85220f7b94e618d3ac54fe06b92d1783c0da56e97148b2cf35d")
