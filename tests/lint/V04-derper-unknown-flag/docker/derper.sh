docker run -d --name derper --rm -p 3478:3478/udp \
  ghcr.io/example/derper:1.2 -hostname derp.example.net -verify_clients
