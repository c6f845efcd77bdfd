"""Tamper evidence: the tree of leaves, signed checkpoints, proofs, and what checks them offline. Pure: no I/O."""
