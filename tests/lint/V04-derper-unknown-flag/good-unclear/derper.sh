derper -h
derper $OPTIONS -x
derper ${A} -x
derper -hostname x rest -x
derper -- -x
derper -hostname x | tee -a log
derper -dev; tee -a log
chown -R derper: /srv --verbose
ls derper -l
systemctl restart derper --now
id derper -u
