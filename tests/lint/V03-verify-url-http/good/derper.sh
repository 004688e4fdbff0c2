derper -verify-client-url https://hs.acme.net/verify
