"""How much a face counts as it is blurred and as it turns away: real faces of films, as the product would see them."""
