# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
about='scripts of real use over more than 40 of its programs, pipelines with native programs'

build() {
    FORCE_UNSAFE_CONFIGURE=1 ./configure "${host[@]}" --disable-nls --enable-single-binary=symlinks
    make MAKEINFO=true
}

cases() {
    try version c ls --version
    try mixed mixed
    try files files
}

c() {
    run src/coreutils "--coreutils-prog=$1" "${@:2}"
}

mixed() {
    c seq 100000 | sort -R | c sort -n | c uniq -c | tail -n 3 | c tr -s ' ' | c cut -d' ' -f2-
    c seq 1 3 20 | c paste -sd, | c fold -w 10; c printf '%05.1f|%x|%q\n' 3.14159 255 "it's"
    c seq 30000 | c sha256sum; c seq 30000 | c b2sum; c seq 30000 | c cksum; c seq 300 | c base64 | base64 -d | c wc
    c factor 1000000007 18446744073709551617
    c date -u -d '2024-02-29 12:00 +1 year' +%F; c numfmt --to=iec 123456789; c expr 9223372036854775807 + 1
    c yes | c head -n 3; echo "${PIPESTATUS[*]}"; c seq 10 | c shuf --random-source=<(yes) | c sort -g | c tac | c nl | c pr -2 -t -l3
}

files() {
    c mkdir -p -m 751 a/b/c; c seq 50000 >a/f; c cp -a a d; c ln -s f a/l; c ln a/f a/h; c stat -c '%a %h %s %F' a/* d/*; c ls -lRn --time-style=+ a d | sed 's/ 0 0 / n n /'
    c dd if=a/f of=g bs=1000 skip=3 count=2 status=none; c sha256sum g a/f >sums; c sha256sum -c sums; c split -n 3 a/f part. && c cat part.* | c cmp 2>&1 | head -c 0; c cat part.* | cmp - a/f
    c truncate -s 3G sparse; c du --apparent-size -h sparse; c mv g moved; c rm -r d; c test -e d; echo $?; c readlink -f a/l | sed 's/.*files//;s#.*/##'; c touch -d 2001-02-03T04:05:06Z moved; c stat -c %Y moved
    c env -i A=1 sh -c 'echo $A'; c nice -n 3 nice; c timeout 5 true; echo $?; c chmod u-w,g+s a/f; c ginstall -m 600 a/f i; c stat -c %a a/f i; c cp nosuch x; c rm nosuch; c ls nosuch; echo $?
}
