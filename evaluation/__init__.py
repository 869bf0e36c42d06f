"""Measures the product against films with known truth; docs/evaluation.md defines every figure."""
