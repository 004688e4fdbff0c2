derper -verify-client-url http://hs.acme.net/verify
