derper -verify-clients
