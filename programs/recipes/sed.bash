# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
about='its own tests (each script of its testsuite; 13 skip themselves, most for want of a locale, and one fails in both builds), scripts of real use, pipelines with native programs. Patched in one place: what is -1 of the type `size_t` is kept in a `long`'

build() {
    # A size_t is kept in a long: here -1 is then no longer negative.
    sed -i 's/^\( *\)long result\b/\1ssize_t result/' sed/execute.c
    ./configure "${host[@]}" --disable-nls --disable-dependency-tracking
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
    run sed/sed --version | head -n 1
}

text() {
    seq 1000 | run sed/sed -n '/99$/{s/\(.\)99/<\1>/;p}'
    seq 20 | run sed/sed -E '1~3d;s/^(.)(.)?$/\2\1/;$a end' | paste -sd ' '
    printf 'one\ntwo\nthree\n' | run sed/sed -n 'H;${x;s/\n/,/g;p}'
    seq 20000 | tac | run sed/sed -n '$=;5000{p;q4}'; echo "${PIPESTATUS[2]}"
    printf 'a b\n' | run sed/sed 's/b/date +%Z >\/dev\/null; echo ran/e'
    printf 'x\n' | run sed/sed 's/x/\U&y\E\x41\o102/;l;y/A/b/'
    printf 'a\0b\0' | run sed/sed -z 's/^/-/' | od -c
    run sed/sed 's/(/'; echo $?
    run sed/sed --posix -e 's/a\|b//' -e 'q5' nosuch; echo $?
    yes | run sed/sed 5q | wc -l
}

files() {
    seq 9 >one && cp one two && ln -s one link && chmod 640 one
    run sed/sed -i.bak 's/5/five/' one two && ls && stat -c '%a %n' one one.bak && diff one one.bak
    run sed/sed -i --follow-symlinks 1d link && test -L link && head -n 1 one
    run sed/sed -n -s '1p;$p' one two; run sed/sed -n 'w out' one && cmp one out; echo $?
    run sed/sed '2r two' one | wc -l; printf 's/x/y/\n#comment\n' >s && echo x | run sed/sed -f s
    run sed/sed --sandbox 'w x' one; echo $?
    seq 200000 >large && run sed/sed -i 's/.*/& &/' large && sha256sum large
}

# The harness finds sed by its name in the folder sed; what else it runs is this machine's.
own_folder() {
    mkdir -p own/sed
    cp -Rp "$cache/build/sed/native/"{testsuite,init.cfg,build-aux,config.h} own
    ln -s "$built/sed/sed" own/sed/sed
    [[ $kind == native ]] || { rm own/sed/sed && options='--argv0 sed' wrap own/sed/sed sed/sed; }
}

own_tests() {
    local test log=$work/log status
    cd own || return
    for test in testsuite/*.sh; do
        # The harness itself.
        [[ $test != */init.sh ]] || continue
        status=0
        env -i PATH="$PWD/sed:$PATH" HOME="$PWD" LC_ALL=C TMPDIR="$work" VERSION=4.9 PACKAGE_VERSION=4.9 srcdir=. top_srcdir=. \
            abs_srcdir="$PWD" abs_top_srcdir="$PWD" abs_top_builddir="$PWD" CONFIG_HEADER="$PWD/config.h" built_programs=sed \
            CC=false AWK=awk MAKE=make PERL=perl SHELL=/bin/sh LOCALE_FR=none LOCALE_FR_UTF8=none LOCALE_JA=none \
            SED_TEST_NAME="${test//\//-}" timeout 60 sh "$test" 9>&2 >"$log" 2>&1 || status=$?
        echo "$status $test"
        [[ $status -eq 0 || $status -eq 77 ]] || cp "$log" "$cache/work/sed-$kind-${test##*/}.log"
    done
}
