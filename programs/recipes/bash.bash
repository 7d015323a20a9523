# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
about='its own tests (each tests/run-NAME, which compares with what is right; --all: run-ifs-posix and run-read, too), scripts for any shell, pipelines with native programs'
# It calls functions through pointers of other types.
options=--emulate-fn-casts

build() {
    # Its own copies of these would be run where they are not built for.
    ./configure "${host[@]}" --without-bash-malloc --disable-nls CC_FOR_BUILD=cc
    make CC_FOR_BUILD=cc CFLAGS="$CFLAGS -std=gnu89 -w" bash
    make CC_FOR_BUILD=cc CFLAGS="$CFLAGS -std=gnu89 -w" recho zecho printenv xcase
}

cases() {
    local test
    for test in "$here"/recipes/shell/*.sh; do
        try "$(basename "$test" .sh)" without_ids run bash "$test"
    done
    try mixed without_ids mixed
    cp -R "$built/tests/." .
    # What the tests start has to be one file; the helpers are native for both.
    wrap bash bash
    for test in recho zecho printenv xcase; do
        ln -s "$cache/build/bash/native/$test" "$test"
    done
    for test in run-*; do
        case $test in
        run-all | run-minimal | run-gprof) ;;
        # Thousands of commands in subshells.
        run-ifs-posix | run-read) [[ $all -eq 0 ]] || try "own-${test#run-}" own_test "$test" ;;
        *) try "own-${test#run-}" own_test "$test" ;;
        esac
    done
}

own_test() {
    local test=(sh "./$1")
    mkdir -p tmp
    # These say how long something took and when a second has gone by, so they are compared without that, and
    # with each other.
    case $1 in
    run-posixpipe | run-printf) test=(./bash "./${1#run-}.tests") ;;
    esac
    env -i PATH="$PWD:$PATH" HOME="$PWD" LANG=C TMPDIR="$PWD/tmp" BASH_TSTOUT="$PWD/out" BUILD_DIR="$built" \
        THIS_SH="$PWD/bash" "${test[@]}" 2>&1 |
        sed -e '/^warning: /d' -e 's/^\(real\|user\|sys\)[[:blank:]].*/\1/' -e '/mismatch|/,/^|$/d'
}

# What the shell writes of those that died.
without_ids() {
    "$@" 2>&1 | sed 's/\(line [0-9]*:\) *[0-9]* /\1 /'
    return "${PIPESTATUS[0]}"
}

# Each stage a guest in one line and native in the next.
mixed() {
    run bash -c 'for i in {1..2000}; do echo $((i * i)); done | sort -n | { while read -r x; do ((s += x)); done; echo $s; }'
    seq 2000 | run bash -c 'mapfile -t a; printf "%s\n" "${a[@]}" | tac' | head -n 3
    run bash -c 'exec {fd}< <(seq 5); cat <&$fd; echo $?; wc -l < <(seq 100)'
    run bash -c 'trap "echo caught" TERM; kill $$; sh -c "kill -9 \$\$"; echo $?'
    run bash -c 'set -o pipefail; yes | head -n 1; echo "${PIPESTATUS[*]}"'
}

benchmarks() {
    measured 'arithmetic in a loop' run bash -c 'for ((i = 0; i < 300000; i++)); do ((s += i * i % 7)); done; echo $s'
    measured 'strings and arrays' run bash -c 'for i in {1..30000}; do a[i % 100]+=x${i#1}; [[ ${a[i % 100]} == *9 ]] && ((n++)); done; echo $n ${#a[5]}'
    measured 'subshells and pipes' run bash -c 'for i in {1..300}; do x=$(echo $i | { read y; echo $((y + 1)); }); done; echo $x'
    measured 'start' run bash -c :
}
