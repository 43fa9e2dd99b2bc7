#!/bin/bash
# Asks the operations listener at HOST:PORT for PATH; the exit code says whether it answered 200.
# In bash alone, so that the image needs no other program for it.
set -euo pipefail
host=${1%:*} port=${1##*:} path=$2
exec 3<>"/dev/tcp/$host/$port"
printf 'GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$path" "$1" >&3
read -r _ status _ <&3
[ "$status" = 200 ]
