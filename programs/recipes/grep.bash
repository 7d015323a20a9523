# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
about='its own tests (50 of its scripts; 6 skip themselves and one fails in both builds), scripts of real use, pipelines with native programs'

build() {
    ./configure "${host[@]}" --disable-nls --disable-dependency-tracking --disable-perl-regexp
    make MAKEINFO=true
}

cases() {
    try version of_what
    try text text
    try files files
    own_folder
    try own own_tests
}

of_what() {
    run src/grep --version | head -n 1
}

text() {
    seq 100000 | run src/grep -c 7; seq 1000 | run src/grep -nE '^(12|9)+$'; seq 30 | run src/grep -B1 -A1 -m2 '5$'
    printf 'one\nTwo\ntwo\n' | run src/grep -io 't[a-z]*'; printf 'a+b\nab\n' | run src/grep -F a+b
    printf 'abcabc\nabcabd\n' | run src/grep -E '^(...)\1$'; printf 'x y\nxy\n' | run src/grep -w x
    seq 10 | run src/grep -v '[13579]' | paste -sd ' '; printf 'a\0b\n' | run src/grep a; echo $?
    printf 'a\0b\0' | run src/grep -z b | od -c; run src/grep '\(' </dev/null; echo $?
    run src/grep -E 'a{1,99999}' </dev/null; echo $?; printf 'aXb\n' | run src/grep --color=always X
    yes | run src/grep -m1 y; yes | run src/grep y | head -n 2; echo "${PIPESTATUS[*]}"
}

files() {
    mkdir -p d/e && seq 50 >d/one && seq 40 60 >d/e/two && printf 'x\0y50' >d/binary && ln -s ../d d/loop
    run src/grep -r 50 d | sort; run src/grep -Rl 45 d 2>/dev/null | sort; run src/grep -rL 45 d --include='o*'
    run src/grep -c 4 d/one d/e/two; run src/grep -H -b 50 d/one; run src/grep -a y5 d/binary | od -c
    run src/grep x nosuch; echo $?; run src/grep -q 1 d/one nosuch; echo $?; run src/grep -s x nosuch d; echo $?
    printf '1\n2\n' >patterns && run src/grep -xf patterns d/one; seq 300000 >large && run src/grep -cf patterns large
}

# The harness finds grep by its name in the folder src; what else it runs is this machine's.
own_folder() {
    mkdir -p own/src
    cp -Rp "$cache/build/grep/native/"{tests,build-aux,config.h} own
    ln -s "$built/src/grep" own/src/grep
    [[ $kind == native ]] || { rm own/src/grep && options='--argv0 grep' wrap own/src/grep src/grep; }
    local name
    for name in egrep:-E fgrep:-F; do
        printf '#!/bin/sh\nexec "%s" %s "$@"\n' "$PWD/own/src/grep" "${name#*:}" >"own/src/${name%:*}"
        chmod +x "own/src/${name%:*}"
    done
}

own_tests() {
    local test log=$work/log status
    cd own/tests || return
    for test in backref backref-alt backref-word backslash-dot bre c-locale case-fold-backref char-class-multibyte \
        color-colors context-0 count-newline dfa-coverage dfa-infloop empty epipe ere fedora fgrep-infloop fgrep-longest file \
        foad1 grep-dev-null grep-dir high-bit-range in-eq-out-infloop include-exclude inconsistent-range initial-tab \
        khadafy match-lines max-count-overread max-count-vs-context null-byte options posix-bracket prefix-of-multibyte proc \
        r-dot reversed-range-endpoints skip-device spencer1 status symlink triple-backref two-files warn-char-classes \
        word-multi-file write-error-msg yesno z-anchor-newline; do
        status=0
        env -i PATH="${PWD%/*}/src:$PATH" HOME="$PWD" LC_ALL=C TMPDIR="$work" VERSION=3.11 PACKAGE_VERSION=3.11 srcdir=. \
            top_srcdir=.. abs_srcdir="$PWD" abs_top_srcdir="${PWD%/*}" abs_top_builddir="${PWD%/*}" \
            CONFIG_HEADER="${PWD%/*}/config.h" built_programs='grep egrep fgrep' CC=false AWK=awk MAKE=make PERL=perl \
            SHELL=/bin/sh GREP_TEST_NAME="$test" timeout 60 sh "$test" 9>&2 >"$log" 2>&1 || status=$?
        echo "$status $test"
        [[ $status -eq 0 || $status -eq 77 ]] || cp "$log" "$cache/work/grep-$kind-$test.log"
    done
}
