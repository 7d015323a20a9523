# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
package=libzstd
about='its golden files (compression, decompression, errors, dictionaries), levels and threads both ways, damaged input; --all: its playTests.sh'

build() {
    make -C programs CC="$CC" AR="$AR" UNAME=Linux ZSTD_NO_ASM=1 ZSTD_LEGACY_SUPPORT=0 BACKTRACE=0 \
        HAVE_ZLIB=0 HAVE_LZMA=0 HAVE_LZ4=0 HAVE_THREAD=1 BUILD_DIR=obj zstd
    cc -O2 -o datagen -Iprograms -Ilib -Ilib/common -DXXH_NAMESPACE=ZSTD_ programs/datagen.c programs/lorem.c programs/util.c programs/timefn.c \
        tests/datagencli.c tests/loremOut.c lib/common/xxhash.c lib/common/pool.c lib/common/threading.c -lpthread
}

cases() {
    local file
    for file in "$built"/tests/golden-decompression/*.zst "$built"/tests/golden-decompression-errors/*; do
        try "golden-$(basename "$file")" golden "$file"
    done
    try compression compression
    try levels levels
    try threads threads
    try damaged damaged
    try files files
    [[ $all -eq 0 ]] || try own own
}

golden() {
    run programs/zstd -dc "$1" | sha256sum
    run programs/zstd -t "$1" 2>&1 | sed 's/:.*//'
}

compression() {
    local file
    for file in "$built"/tests/golden-compression/*; do
        run programs/zstd -c "$file" | tee out.zst | sha256sum
        run programs/zstd -dc out.zst | cmp - "$file" && echo same
    done
    file=$built/tests/golden-dictionaries/http-dict-missing-symbols
    seq 3000 | run programs/zstd -D "$file" -c | run programs/zstd -D "$file" -dc | sha256sum
    mkdir samples && for n in {1..200}; do seq "$n" "$((n * 3))" >"samples/$n"; done
    run programs/zstd --train samples/* -o dictionary -q && sha256sum dictionary
}

levels() {
    local level
    seq 200000 >file
    for level in -1 -3 -9 -19 --fast=5; do
        run programs/zstd "$level" -c file | tee out.zst | sha256sum
        run programs/zstd -dc out.zst | sha256sum
    done
    run programs/zstd --long=24 -c file | run programs/zstd -dc | cmp - file && echo same
}

# As many jobs make the same output however many threads do them.
threads() {
    seq 400000 >file
    run programs/zstd -T3 -B512K -c file | tee out.zst | sha256sum
    run programs/zstd -T1 -B512K --no-progress -c file | sha256sum
    run programs/zstd -dc out.zst | cmp - file && echo same
}

# Which of the faults it finds depends on the size of a pointer.
damaged() {
    damages 2>&1 | sed 's/ : Decoding error .*/ : Decoding error/'
}

damages() {
    seq 20000 | run programs/zstd -c >whole.zst
    head -c 5000 whole.zst | run programs/zstd -dc | wc -c
    { head -c 2000 whole.zst && printf xxxx && tail -c +2005 whole.zst; } | run programs/zstd -t
    echo garbage | run programs/zstd -dc
    : | run programs/zstd -c | run programs/zstd -dc | wc -c
}

files() {
    seq 9000 >one && seq 9 >two && chmod 640 one
    run programs/zstd -q one two --rm && ls -- * && run programs/zstd -lv one.zst 2>&1 | grep -v "Window\|\*\*\*"
    run programs/zstd -dq one.zst && sha256sum one && stat -c '%a' one
    run programs/zstd -q one; run programs/zstd -qf one && echo again
    mkdir -p d/e && cp one d/e && run programs/zstd -qr d && find d | sort
}

own() {
    wrap zstd programs/zstd
    cp -R "$built/tests" .
    (cd tests && ZSTD_BIN=$work/zstd DATAGEN_BIN=$built/datagen sh ./playTests.sh) >log 2>&1
    echo "status $?"
    grep -c '===>' log
    tail -n 3 log
}

benchmarks() {
    [[ -e ../zstd.32MB ]] || "$cache/build/zstd/native/datagen" -g32M >../zstd.32MB
    measured 'compress 32 MB, level 3' run programs/zstd -q -c -T1 ../zstd.32MB
    run programs/zstd -q -T1 ../zstd.32MB -o packed.zst
    measured 'decompress 32 MB' run programs/zstd -q -dc packed.zst
}
