# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
about='its own tests (example with files of 32 and 64 bits), minigzip both ways with gzip'

build() {
    ./configure --static
    make example minigzip
}

cases() {
    try example example
    try minigzip minigzip
    try levels levels
    try mixed mixed
    try damaged damaged
}

example() {
    # The flags are the sizes of types.
    run example testfile.gz | sed 's/compile flags.*//'
    echo 'hello world' | run minigzip | run minigzip -d
}

minigzip() {
    seq 100000 >file
    run minigzip file && ls -- * && run minigzip -d file.gz && sha256sum file
}

levels() {
    local level
    for level in 1 5 9; do
        seq 300000 | run minigzip "-$level" | tee out.gz | sha256sum
        run minigzip -d <out.gz | sha256sum
    done
    seq 100000 | run minigzip -h | sha256sum
    seq 100000 | run minigzip -r | sha256sum
}

mixed() {
    seq 100000 | gzip -n | run minigzip -d | sha256sum
    seq 100000 | run minigzip | gzip -d | sha256sum
}

damaged() {
    seq 100000 | run minigzip | head -c 1000 | run minigzip -d | wc -c
    echo garbage | run minigzip -d
    run minigzip -d nosuchfile.gz
}
