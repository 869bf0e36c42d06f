"""How well unknown people are told apart, before anybody says anything and after some corrections."""
