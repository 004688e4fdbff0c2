#!/bin/sh
sudo -u derper mkdir -p /srv
DERP_VERSION=1.2
cd /srv && exec derper -c key --stun=false -stunport 3478
/opt/derper -a :443 -hostnam x; ls -la
