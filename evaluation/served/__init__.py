"""The product's own search over a read-back, in this process: what it would answer, gallery by gallery."""
