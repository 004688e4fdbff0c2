# derpmap: ignore=V01 everybody may
derper -a :443
