derper -verify-clients=false
