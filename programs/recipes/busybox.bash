# shellcheck shell=bash disable=SC2012,SC2016,SC2034,SC2046,SC2086,SC2094,SC2154
about='applets in scripts and pipelines: its shell, awk, sed, grep, sort, find, tar, gzip, dc, httpd with wget'

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

# A server among these, and clients: its own and this machine's.
server() {
    mkdir -p www && seq 1000 >www/index.html && head -c 300000 /dev/zero >www/big
    b httpd -f -p 127.0.0.1:18473 -h www &
    local server=$! try
    for try in 1 2 3 4 5 6 7 8 9 10; do
        curl -sf -o /dev/null http://127.0.0.1:18473/ && break
        sleep 0.3
    done
    b wget -q -O - http://127.0.0.1:18473/ | b sha256sum
    curl -s http://127.0.0.1:18473/big | sha256sum
    b wget -q -O - http://127.0.0.1:18473/nosuch; echo $?
    curl -s -o /dev/null -w '%{http_code}\n' http://127.0.0.1:18473/nosuch
    kill "$server" && wait "$server"
    echo "server $?"
}
