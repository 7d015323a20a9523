# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
needs=(libevent)
about='its own tests in Perl (those without TLS, proxy, extstore or long sleeps; --all: all but TLS and proxy), loads of several connections at 1 and 4 threads'

build() {
    source_of libevent libevent
    (cd libevent && ./configure "${host[@]}" --prefix="$PWD/../event" --disable-shared --disable-openssl \
        --disable-samples --disable-libevent-regress && make install)
    ./configure "${host[@]}" --with-libevent="$PWD/event" --disable-docs --disable-coverage
    # Its tests are for the second.
    make memcached memcached-debug
    cc -O2 -o timedrun timedrun.c
    cc -O2 -Wall -o load "$here/recipes/memcached/load.c"
}

cases() {
    local test
    for test in 1 4; do
        try "load-$test" load "$test"
    done
    try version run memcached --version
    try options run memcached -t 0
    try killed killed
    cp -R "$built/t" .
    cp "$built/timedrun" .
    wrap memcached-debug memcached-debug
    for test in t/*.t; do
        case $test in
        # What it is built without, and what looks at its source or at how long something takes.
        */*ssl* | */proxy* | */sasl* | */binary-sasl.t | */whitespace.t | */00-startup.t) continue ;;
        */*extstore* | */lru* | */slab* | */restart.t | */idle-timeout.t | */expirations.t | */issue_1[0-9]*.t | \
            */issue_6[17].t | */dash-M.t | */watcher*.t | */refhang.t | */stress* | */misbehave.t | */daemonize.t | \
            */maxconns.t | */64bit.t | */dyn-maxbytes.t | */evictions.t | */conn-limits.t)
            [[ $all -eq 1 ]] || continue
            ;;
        esac
        try "own-$(basename "$test" .t)" own_test "$test"
    done
}

# Without what is random, or the size of its structures, in the descriptions.
own_test() {
    timeout 300 perl -It/lib "$1" 2>&1 | sed -e 's/^\(\(not \)\?ok [0-9]*\) .*/\1/' -e 's/^PORT: .*/PORT/'
}

# Runs a server, as a user that is not root, at a socket of its own; then a command.
serving() {
    local threads=$1 server status try
    shift
    launch memcached -u "$(id -un)" -s "$work/socket" -a 777 -t "$threads" -m 64 &
    server=$!
    for ((try = 0; try < 1200; try++)); do
        [[ -S socket ]] && break
        sleep 0.05
    done
    "$@"
    kill "$server"
    wait "$server"
    echo "server: $?"
    rm -f socket
}

load() {
    serving "$1" "$built/load" socket 8 2000 300
}

killed() {
    serving 2 true
}

benchmarks() {
    measured 'load, 1 thread, 8 connections' serving 1 "$built/load" socket 8 10000 300
    measured 'load, 4 threads, 50 connections' serving 4 "$built/load" socket 50 2000 300
}
