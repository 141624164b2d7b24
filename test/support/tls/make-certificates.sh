#!/bin/sh
# Makes the certificates and keys of this folder afresh. They protect nothing: tests only.
# Needs OpenSSL 3. What each is for: ../tls-fixtures.ts
set -eu
cd "$(dirname "$0")"
rm -f ./*.crt ./*.key

years=36500 # days: nobody should meet an expired test

authority() { # name, subject
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "$years" \
    -subj "/CN=$2" -addext "keyUsage=critical,keyCertSign,cRLSign" -keyout "$1.key" -out "$1.crt"
}

leaf() { # name, authority, subject, further options of `openssl req`
  name=$1 authority=$2 subject=$3
  shift 3
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "$years" \
    -CA "$authority.crt" -CAkey "$authority.key" -subj "/CN=$subject" \
    -addext "basicConstraints=critical,CA:FALSE" "$@" -keyout "$name.key" -out "$name.crt"
}

authority ca "Carpool test CA"
authority other-ca "Another test CA"
leaf server ca localhost -addext "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"
leaf renewed-server ca localhost -addext "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1" -sha384
leaf wrong-host ca elsewhere.example -addext "subjectAltName=DNS:elsewhere.example"
leaf client ca alice
leaf other-client other-ca alice

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "$years" \
  -subj "/CN=localhost" -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" \
  -keyout self-signed.key -out self-signed.crt

rm -f ca.key other-ca.key # nothing else is to be signed by these
