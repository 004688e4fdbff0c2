derper -verify-client-url http://127.0.0.1:8080/verify
