"""The published protocols: what is taken in, what is asked, and which figures come out."""
