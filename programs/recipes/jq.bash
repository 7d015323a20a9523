# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
about='its own tests (jq, man, utf8, base64, optional; --all: sh), pipelines with native programs'

# Without autoconf, which would write the configure script that Debian's source does without: what it asks for
# is asked of the C library.
build() {
    local name options='-D_GNU_SOURCE -DUSE_DECNUM=1 -DHAVE_PTHREAD=1 -DHAVE_ALLOCA_H=1 -DHAVE_ALLOCA=1
        -DHAVE_TM_TM_GMT_OFF=1 -DHAVE___THREAD=1 -DIEEE_8087=1'
    while read -r name; do
        echo "int main(void) { char $name(void); return $name(); }" >have.c
        "$CC" -w -fno-builtin -o have have.c -lm || continue
        options+=" -DHAVE_${name^^}=1"
    done < <(grep -oh 'AC_\(FIND_FUNC\(_NO_LIBS\)\?\|CHECK_MATH_FUNC\|CHECK_FUNCS\)(\[\?[a-z0-9_]*' configure.ac | sed 's/.*[([]//')
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n"/' src/builtin.jq >src/builtin.inc
    echo '#define JQ_VERSION "1.7.1"' >src/version.h
    echo '#define JQ_CONFIG "without oniguruma"' >src/config_opts.inc
    for name in src/*.c src/decNumber/dec{Number,Context}.c; do
        [[ $name == */inject_errors.c ]] || echo "${name%.c}.o"
    done >objects
    printf '%%.o: %%.c\n\t"%s" %s -I. -Isrc -c -o $@ $<\njq: %s\n\t"%s" -o $@ $^ -lm\n' "$CC" \
        "$CFLAGS -w ${options//$'\n'/}" "$(tr '\n' ' ' <objects)" "$CC" >makefile
    make jq
}

cases() {
    local test
    try mixed mixed
    try large large
    cp -R "$built/tests" .
    wrap jq jq
    for test in jqtest mantest utf8test base64test optionaltest; do
        try "own-${test%test}" own_test "$test"
    done
    # It starts jq a thousand times.
    [[ $all -eq 0 ]] || try own-sh own_test shtest
}

# They end at the first that fails; one of them says all that it does, with names that are others each time.
own_test() {
    env JQ="$PWD/jq" NO_VALGRIND=1 TZ=UTC LANG=C "tests/$1" 2>/dev/null
}

mixed() {
    seq 1000 | run jq -s 'add, length' | sort -n
    echo '{"a":[1,{"b":null}],"c":"\u00fc"}' | run jq -c . | tee copy | run jq -r '.c, (.a | tostring)'
    run jq -n '[limit(5; repeat(1))], $ENV.HOME, now < 0, ("2015-03-05T23:51:47Z" | fromdate), ("a,b" | split(","))'
    echo '{' | run jq .
    echo '[1,2]' | run jq '.[0] as [$x] | $x'
    run jq -r '.[] | @sh, @base64, @uri, @csv "x\(.)"' <<<'[["a b", 1]]'
}

documents() {
    seq "$1" | sed 's/.*/{"id": &, "name": "user &", "tags": ["a", "b&"], "score": &.25, "nested": {"x": [&, null, true]}}/'
}

large() {
    documents 5000 | run jq -c 'select(.id % 7 == 0) | {id, t: (.tags | join("-")), s: (.score * 2)}' | sha256sum
    documents 5000 | run jq -s 'group_by(.id % 10) | map({k: (.[0].id % 10), n: length, s: (map(.score) | add)})' | sha256sum
}

benchmarks() {
    [[ -e ../jq.20MB.json ]] || documents 230000 | head -c 20000000 | sed '$d' >../jq.20MB.json
    measured 'filter 20 MB' filter
}

filter() {
    run jq -c 'select(.id % 7 == 0) | .score' <../jq.20MB.json | sha256sum
}
