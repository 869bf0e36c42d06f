"""From one pack to another: the index is re-embedded beside the live one, compared, cut over, and can go back."""
