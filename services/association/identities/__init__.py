"""People whom nobody enrolled: appearances are clustered, and what people say of them changes the clusters."""
