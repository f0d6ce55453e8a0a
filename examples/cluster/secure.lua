-- A node of the cluster whose links use TLS, with what certificates.sh has made in $CERTIFICATES.
include "config.lua"
cluster_tls_cert = "$CERTIFICATES/$NODE.pem"
cluster_tls_key = "$CERTIFICATES/$NODE-key.pem"
cluster_tls_ca = "$CERTIFICATES/ca.pem"
