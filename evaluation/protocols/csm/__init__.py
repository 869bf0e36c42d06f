"""The protocol `csm`: people looked for by one portrait, within films and across them."""
