# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
about='its own tests (three samples, both ways, each block size), damaged input, pipelines with native programs'

build() {
    make CC="$CC" AR="$AR" RANLIB="$RANLIB" CFLAGS="$CFLAGS -D_FILE_OFFSET_BITS=64" bzip2 bzip2recover
}

cases() {
    local n
    try help run bzip2 --help
    for n in 1 2 3; do
        try "sample$n" own_test "$n"
    done
    try damaged damaged
    try garbage garbage
    try files files
    try missing run bzip2 nosuchfile
    try large large
    try mixed mixed
    try recover recover
}

own_test() {
    run bzip2 "-$1" <"$built/sample$1.ref" >compressed && cmp "$built/sample$1.bz2" compressed
    run bzip2 -d <"$built/sample$1.bz2" | cmp "$built/sample$1.ref" -
    echo "compared: $?"
}

damaged() {
    head -c 5000 "$built/sample1.bz2" | run bzip2 -d | wc -c
    { head -c 5000 "$built/sample1.bz2"; printf xxxx; tail -c +5005 "$built/sample1.bz2"; } | run bzip2 -t
}

garbage() {
    echo 'not compressed' | run bzip2 -d
    : | run bzip2 | run bzip2 -d | wc -c
}

files() {
    seq 50000 >one && seq 9 >two
    run bzip2 -kv9 one two 2>&1 && ls -- * && run bzip2 -tv one.bz2 two.bz2
    rm one && run bzip2 -d one.bz2 && sha256sum one && stat -c %a one
    run bzip2 two && run bzip2 two
}

large() {
    seq 500000 | run bzip2 -1 | tee big.bz2 | sha256sum
    run bzip2 -dc big.bz2 | sha256sum
}

# Each stage native in one direction and a guest in the other.
mixed() {
    seq 200000 | run bzip2 -c | tac | tac | run bzip2 -dc | sort -n | tail -n 1
    # Whoever reads goes away.
    seq 1000000 | run bzip2 -1c | head -c 10 | wc -c
}

recover() {
    seq 200000 | run bzip2 -1 >broken.bz2
    run bzip2recover broken.bz2 && for file in rec*; do run bzip2 -dc "$file"; done | sha256sum
}

benchmarks() {
    [[ -e ../bzip2.32MB ]] || seq 4500000 | head -c 32000000 >../bzip2.32MB
    measured 'compress 32 MB' run bzip2 -c ../bzip2.32MB
    [[ -e ../bzip2.32MB.bz2 ]] || "$cache/build/bzip2/native/bzip2" -k ../bzip2.32MB
    measured 'decompress 32 MB' run bzip2 -dc ../bzip2.32MB.bz2
}
