"""What the numbers of the association service should be, fitted on read-backs of films."""
