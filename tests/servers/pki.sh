#!/bin/sh
# SPDX-License-Identifier: MIT
#
# pki.sh DIR: a throw-away test PKI, one day of life, EC P-256.
#   ca           trusted by the tests
#   server       localhost, 127.0.0.1, ::1
#   wrongname    signed by ca, but for another host
#   expired      signed by ca, ended yesterday
#   selfsigned   for localhost, signed by nobody
#   client       signed by ca, for mutual TLS
set -eu

[ $# -eq 1 ] || { echo "usage: pki.sh DIR" >&2; exit 2; }
mkdir -p "$1"
cd "$1"
umask 077

# An own configuration: the machine's openssl.cnf could add extensions.
cat >pki.cnf <<'EOF'
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth,clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = $ENV::SAN
EOF

quietly()
{
    "$@" >pki.log 2>&1 || { cat pki.log >&2; exit 1; }
}

# make NAME SAN EXTENSIONS [OPTION...]: a key and a certificate in one go
make()
{
    name=$1 SAN=$2 extensions=$3
    export SAN
    shift 3
    quietly openssl req -config pki.cnf -extensions "$extensions" -x509 \
        -sha256 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
        -subj "/O=valetkey test/CN=$name" -keyout "$name.key" \
        -out "$name.crt" -days 1 "$@"
}

here="DNS:localhost,IP:127.0.0.1,IP:::1"
make ca DNS:ca.invalid ca
make server "$here" leaf -CA ca.crt -CAkey ca.key
make wrongname DNS:wrong.invalid leaf -CA ca.crt -CAkey ca.key
make client DNS:client.invalid leaf -CA ca.crt -CAkey ca.key
make selfsigned "$here" leaf

# "req" makes nothing that has already ended; "x509" counts days backwards,
# but signs only what is self-signed.
make expired "$here" leaf
quietly openssl x509 -in expired.crt -days -1 -set_serial 1 -sha256 \
    -CA ca.crt -CAkey ca.key -clrext -extfile pki.cnf -extensions leaf \
    -out expired.new
mv expired.new expired.crt

# The tests run as several users; all of them trust the ca.
chmod 0644 ./*.crt
rm -f pki.cnf pki.log
