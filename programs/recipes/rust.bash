# shellcheck shell=bash disable=SC2012,SC2016,SC2034,SC2086,SC2154
package=''
about="programs of our own in Rust: what its standard library does with a system (arguments, panics, threads, files, sockets, processes), and crates (rayon, libc's structures)"

if [[ ! -x $sdk/bin/cargo-wali || ! -e $sdk/share/cargo.toml ]]; then
    say 'rust: not tried: the SDK has no standard library of Rust (sdk/rust)'
    exit 0
fi
# Another standard library, another build.
extra=$(cat "$sdk/share/cargo.toml" && cargo --version)

build() {
    local cargo=(cargo) at=release suffix=''
    if [[ $kind == wali ]]; then
        cargo=("$sdk/bin/cargo-wali") at=wasm32-wali-linux-musl/release suffix=.wasm
    fi
    # Without what is meant for the C compiler of the other recipes.
    env -u CC -u CXX -u AR -u RANLIB -u CFLAGS CARGO_TARGET_DIR=target \
        "${cargo[@]}" build --locked --release
    cp "target/$at/standard$suffix" standard
    cp "target/$at/crates$suffix" crates
    rm -rf target
}

cases() {
    local program
    try arguments run standard args a '' 'b c' -- --help -e x
    try environment environment
    for program in numbers panics threads locals files folders errors tcp udp unix processes times; do
        mkdir -p "$program"
        try "$program" inside "$program"
    done
    try uncaught uncaught
    try abort aborted
    try exit run standard exit 77
    try lines lines
    try crates run crates
}

inside() {
    cd "$1" && run standard "$1"
}

environment() {
    TRY_A=b TRY_C='x = y' TRY_EMPTY='' run standard environment
}

# The thread's id is in the message.
uncaught() {
    RUST_BACKTRACE=0 run standard uncaught 2>&1 | sed 's/([0-9]*)/(ID)/'
    echo "${PIPESTATUS[0]}"
}

# The shell says by which signal, with the process's id.
aborted() {
    { run standard abort; } 2>/dev/null
    echo $?
}

lines() {
    seq 3000 | sed 's/.$//' | run standard lines | sort -n | sha256sum
    printf 'no newline at the end' | run standard lines
}
