# shellcheck shell=bash disable=SC2009,SC2012,SC2016,SC2034,SC2046,SC2086,SC2094,SC2154
about='its own tests (of ten applets and five folders of its shell; --all: of all applets but those that look at the machine, the network or mount, and of both shells), applets in scripts and pipelines with native programs, httpd under load'

build() {
    make defconfig HOSTCC=cc
    # What needs headers that only glibc or the kernel has, or another program.
    local option
    for option in TC FEATURE_MOUNT_NFS SHA1_HWACCEL SHA256_HWACCEL FEATURE_HAVE_RPC SSL_SERVER; do
        sed -i "s/^CONFIG_$option=y/# CONFIG_$option is not set/" .config
    done
    # Its own way to ask about new options.
    yes '' | make oldconfig HOSTCC=cc
    make HOSTCC=cc CC="$CC" AR="$AR" NM="$NM" STRIP=true SKIP_STRIP=y CFLAGS="$CFLAGS -Wno-ignored-optimization-argument" busybox_unstripped
    cp busybox_unstripped busybox
}

cases() {
    local script
    for script in "$here"/recipes/shell/*.sh; do
        try "$(basename "$script" .sh)" run busybox ash "$script"
    done
    try list run busybox --list
    try text text
    try files files
    try archives archives
    try sums sums
    try server server
    own_tests
}

# Its tests start applets by name, from this machine's shell. Left out are those that look at the machine or at
# the network, and that mount.
own_tests() {
    mkdir suite
    cp -R "$built/testsuite" "$built/shell" "$built/scripts" "$built/.config" suite
    cd suite || return
    # An applet by the name of which it is called.
    wrap busybox.sh busybox
    sed '2i name=${0##*/}; [ "$name" = busybox ] || set -- "$name" "$@"' busybox.sh >busybox
    chmod +x busybox
    local test
    for test in $(cd testsuite && find . -mindepth 1 -maxdepth 1 \( -name '*.tests' -o -type d \) -printf '%f\n' | sed 's/\.tests$//' | sort -u); do
        case $test in
        ar | awk | cut | expr | find | grep | sed | sort | tr | xargs) try "own-$test" own_test "$test" ;;
        all_sourcecode | hostid | hostname | makedevs | mdev | mount | uptime | wget) ;;
        *) [[ $all -eq 0 ]] || try "own-$test" own_test "$test" ;;
        esac
    done
    printf '#!/bin/sh\nexec "%s/busybox" ash "$@"\n' "$PWD" >shell/ash_test/ash
    printf '#!/bin/sh\nexec "%s/busybox" hush "$@"\n' "$PWD" >shell/hush_test/hush
    chmod +x shell/*_test/*sh
    cp .config shell/ash_test && cp .config shell/hush_test
    for test in shell/ash_test/ash-* shell/hush_test/hush-*; do
        case ${test##*/} in
        ash-arith | ash-glob | ash-heredoc | ash-quoting | ash-redir) try "own-${test##*/}" shell_test "$test" ;;
        *) [[ $all -eq 0 ]] || try "own-${test##*/}" shell_test "$test" ;;
        esac
    done
}

own_test() {
    (cd testsuite && env -i PATH="$PATH" HOME="$PWD" LANG=C ./runtest -v "$1" 2>&1)
}

shell_test() {
    local test=${1##*/}
    cd "${1%/*}" && env -i PATH="$PATH" HOME="$PWD" sh ./run-all "$test" 2>&1
    for test in "$test"*.fail; do
        # Without the times of the files that were compared.
        [[ ! -e $test ]] || { echo "$test" && sed 's/^\(---\|+++\) \([^\t]*\)\t.*/\1 \2/' "$test"; }
    done
}

b() {
    run busybox "$@"
}

text() {
    seq 20000 | b awk '{ s += $1 * $1; a[$1 % 7]++ } END { print s, length(a), a[3], sprintf("%5.2f", s / NR) }'
    seq 100 | b sed -n '/9$/{s/\(.\)9/<\1>/;p}' | b tr -d '<' | b paste -s -d, 2>&1
    seq 30000 | b sort -rn | b head -n 3; printf 'b 2\na 10\na 9\n' | b sort -k1,1 -k2,2n
    printf 'one\ntwo\nthree\n' | b grep -nE '^t|e$'; seq 10 | b tac | b nl | b cut -f2 | b fold -w 1 | b uniq -c | b wc
    echo '2 3 ^ p 10 3 / p' | b dc; b printf '%d %s\n' 1 a 2 b; b expr 6 \* 7; echo 'a:b' | b cut -d: -f2; b seq 3 -1 1
    echo hello | b xxd; echo hello | b od -c; echo aGVsbG8K | b base64 -d; b date -u -d @86400 +%F; b cal 2 2024
    printf 'x y\n' | b xargs -n 1 echo; b diff -u /etc/passwd /dev/null | b tail -n +3 | b wc -l; b awk 'BEGIN { while (("echo a; echo b" | getline l) > 0) print l; system("exit 3") }'
}

files() {
    mkdir -p d/e && echo 1 >d/one && echo 22 >d/e/two && ln -sf one d/link
    b find d -type f -size -2 | b sort; b find d -name 't*' -exec echo found {} \;
    b ls -R d; b cp -a d f && b diff -r d f && b mv f g && b rm -r g; b ls g; b stat -c '%n %s %F' d/one d/link; b readlink d/link; b du -s d/e >/dev/null; b chmod 640 d/one; b stat -c %a d/one; b touch -d '2020-01-01 00:00:00' d/one && b stat -c %Y d/one; b dd if=/dev/zero of=z bs=1k count=5 2>&1 | b head -n 2; b cmp z d/one; b mktemp -u XXXXXX | b wc -c; b test -L d/link; echo $?
    b tee a c <d/one; b split -l 1 /etc/passwd p.; ls p.* | b wc -l; b truncate -s 100 t; b wc -c t; b ln t u; b stat -c %h t; b install -m 700 t v; b stat -c %a v; b which sh; b realpath d/link >/dev/null; echo $?
}

archives() {
    mkdir -p d && seq 10000 >d/f && b tar -czf x.tar.gz d && b tar -tzf x.tar.gz && mkdir out && b tar -xzf x.tar.gz -C out && cmp d/f out/d/f; echo $?
    tar -cf y.tar d && b tar -tf y.tar; b tar -cf - d | tar -tf -; seq 10000 | b gzip | gzip -d | b sha256sum; seq 10000 | bzip2 | b bunzip2 | b md5sum; seq 1000 | b bzip2 | b bzcat | b cksum; echo d/f | b cpio -o -H newc 2>/dev/null | b cpio -t 2>/dev/null; seq 5000 | b gzip >s.gz; b zcat s.gz | b tail -n 1
}

sums() {
    seq 100000 >f; local sum
    for sum in md5sum sha1sum sha256sum sha512sum sha3sum cksum crc32 sum; do b $sum f; done
    b sha256sum f >c && b sha256sum -c c; echo secret | b openssl 2>&1 | head -c 0; b cryptpw -m sha512 -S abcdefgh pw; b uuencode f <f | b uudecode -o g && cmp f g; echo $?
}

# Its server, and clients: its own and this machine's, one by one and eight at a time.
server() {
    # shellcheck source-path=SCRIPTDIR source=http/requests.bash
    . "$here/recipes/http/requests.bash"
    listening httpd
    requests cgi-bin/script
    b wget -q -O - "http://127.0.0.1:$port/" | b sha256sum
    b wget -q -O - "http://127.0.0.1:$port/nosuch" 2>/dev/null; echo $?
    kill "$server" && wait "$server"
    echo "server $?"
}

httpd() {
    launch busybox httpd -f -p "127.0.0.1:$port" -h www
}
