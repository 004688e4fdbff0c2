FROM debian
RUN useradd derper -m
ENTRYPOINT ["derper", "-hostname", "derp.example.net", "--certificates", "/certs"]
