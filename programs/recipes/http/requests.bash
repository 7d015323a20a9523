# What servers of HTTP are asked: requests CGI, of a server of the folder www at 127.0.0.1:$port.
#
# shellcheck shell=bash disable=SC2012,SC2016,SC2154
mkdir -p "www/cgi-bin" www/empty
seq 1000 >www/index.html
head -c 300000 /dev/zero >www/big
printf '#!/bin/sh\necho\necho "got $QUERY_STRING $REQUEST_METHOD $(head -c "${CONTENT_LENGTH:-0}")"\n' >www/cgi-bin/script
chmod +x www/cgi-bin/script

requests() {
    local address=http://127.0.0.1:$port
    curl -s "$address/" | sha256sum
    curl -s "$address/big" | sha256sum
    curl -s -r 5-9 "$address/index.html" | od -c
    curl -s -I "$address/big" | grep -i '^\(HTTP\|content-\)'
    curl -s -o /dev/null -w '%{http_code}\n' "$address/nosuch" "$address/../../etc/passwd" -X DELETE "$address/"
    curl -s -d 'some data' "$address/$1?a=b"
    printf 'garbage\r\n\r\n' | timeout 10 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0"; cat >&3; head -n 1 <&3' "$port"
    seq 200 | xargs -P 8 -I '{}' curl -sf -o 'got.{}' "$address/index.html"
    cat got.* | sha256sum
    ls got.* | wc -l
    rm got.*
}
