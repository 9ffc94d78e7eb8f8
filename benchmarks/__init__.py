"""Measurements and chaos. Run by hand, from the root of the checkout; docs/benchmarks.md describes each one."""
