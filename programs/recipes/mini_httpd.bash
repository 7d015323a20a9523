# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
package=mini-httpd
about='requests of all kinds, a script, passwords, 200 requests of which 8 at a time; htpasswd'

build() {
    # It uses a function of this header without it.
    make CC="$CC" CFLAGS="$CFLAGS -w -include grp.h" CRYPT_LIB= mini_httpd htpasswd
}

cases() {
    try server server
    try usage run mini_httpd -x
    try version run mini_httpd -V
    try passwords passwords
}

server() {
    # shellcheck source-path=SCRIPTDIR source=http/requests.bash
    . "$here/recipes/http/requests.bash"
    mkdir www/secret && echo hidden >www/secret/page
    run htpasswd -c www/secret/.htpasswd ali <<<'open sesame'
    listening httpd
    requests cgi-bin/script
    curl -s -o /dev/null -w '%{http_code}\n' "http://127.0.0.1:$port/secret/page"
    curl -s -o /dev/null -w '%{http_code}\n' -u ali:wrong "http://127.0.0.1:$port/secret/page"
    curl -s -u 'ali:open sesame' "http://127.0.0.1:$port/secret/page"
    curl -s "http://127.0.0.1:$port/empty/" | grep -ci '<title>'
    kill "$server" && wait "$server"
    echo "server $?"
}

httpd() {
    launch mini_httpd -D -p "$port" -h 127.0.0.1 -u "$(id -un)" -d www -c 'cgi-bin/*'
}

passwords() {
    mkdir passwords && cd passwords || return
    run htpasswd -c file one <<<secret
    run htpasswd file two <<<'another secret'
    run htpasswd file one <<<changed
    cut -d: -f1 file
    run htpasswd nosuchfile one <<<secret 2>&1 | sed 's/htpasswd[^ ]*/htpasswd/'
    ls -A
}
