derper -verify-client-url https://hs.acme.net/verify -verify-client-url-fail-open=false
