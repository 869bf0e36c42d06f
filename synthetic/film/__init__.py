"""Films with sound: who appears where and when, how they move and speak, and what of it the truth file tells."""
