# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
needs=(zlib)
about='without TLS, with zlib: its own tests of the command and the library (1 to 300; --all: 1 to 1100 and 1500 on, all but those that are timed or look at its documentation, and 650, whose `curl_formadd` fails here), with its own servers, native; files, ranges, refused connections. Patched in one place: its printf takes a `size_t` for as long as a `long`'

build() {
    source_of zlib zlib
    (cd zlib && ./configure --static --prefix="$PWD/../z" && make install)
    # It asks whether a size_t is longer than a long, and never whether it is shorter.
    sed -i 's/^#if (SIZEOF_SIZE_T > SIZEOF_LONG)$/#if SIZEOF_SIZE_T < SIZEOF_LONG\n#elif SIZEOF_SIZE_T > SIZEOF_LONG/' lib/mprintf.c
    ./configure "${host[@]}" --disable-shared --disable-docs --disable-manual --enable-test-bundles --without-ssl \
        --without-libpsl --without-brotli --without-zstd --with-zlib="$PWD/z"
    make -C lib
    make -C src
    make -C src curlinfo
    # The library's tests.
    make -C tests/libtest libtests
    [[ $kind == wali ]] || make -C tests/server
}

cases() {
    try version of_what
    try files files
    try refused refused
    own_folder
    try own-1 own_tests 1 to 150
    try own-2 own_tests 151 to 300
    [[ $all -eq 1 ]] || return 0
    try own-3 own_tests 301 to 600
    try own-4 own_tests 601 to 850
    try own-5 own_tests 851 to 1100
    try own-6 own_tests 1500 to 1700
    try own-7 own_tests 1701 to 3300
}

# Without what it was built for.
of_what() {
    run src/curl --version | sed 's/(.*)//'
}

files() {
    seq 3000000 >large
    run src/curl -s "file://$PWD/large" | sha256sum
    run src/curl -s -r 1000-1009 "file://$PWD/large"
    head -c 10000000 large >part
    run src/curl -s -C - -o part "file://$PWD/large" && cmp large part && echo resumed
    run src/curl -sS "file://$PWD/nosuch" 2>&1 | sed "s#$PWD##"
    run src/curl -s "file://$PWD/{large,part}" -o 'got.#1' && cmp got.large got.part && echo both
    # Whoever reads goes away.
    run src/curl -s "file://$PWD/large" | head -n 1
    echo "${PIPESTATUS[0]}"
}

refused() {
    run src/curl -sS http://127.0.0.1:1/ 2>&1 | sed 's/after [0-9]* ms/after some time/'
    run src/curl -s 'http://[::1]:1/'; echo $?
    run src/curl -s --unix-socket nosuch http://localhost/; echo $?
    run src/curl -s http://; echo $?
    run src/curl -s nothing://x; echo $?
}

# Its harness looks for everything in the folder in which it was built.
own_folder() {
    mkdir -p own/src own/lib
    cp -Rp "$cache/build/curl/native/tests" "$cache/build/curl/native/include" "$cache/build/curl/native/curl-config" own
    cp "$cache/build/curl/native/lib/curl_config.h" own/lib
    ln -s "$cache/build/curl/native/src/curlinfo" own/src/curlinfo
    wrap own/src/curl src/curl
    rm own/tests/libtest/libtests
    wrap own/tests/libtest/libtests tests/libtest/libtests
}

# In the order of their numbers, as several are run at once.
own_tests() {
    (cd own/tests && perl -I. runtests.pl -n -a -am -j2 "$@" '!flaky' '!timing-dependent' '!650' '!971' 2>&1) |
        grep '^\(PASS\|FAIL\): ' | sort -t ' ' -k 2n
}
