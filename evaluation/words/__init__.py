"""Search by typed descriptions, through the product, beside what is had without a network."""
