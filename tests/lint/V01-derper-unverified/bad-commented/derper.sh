# derper -verify-clients
exec derper -a :443 # -verify-nodes x
