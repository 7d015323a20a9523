# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
about='its own tests (each script of its tests, outputs compared), scripts for any shell'

build() {
    # Its own copies of these would be run where they are not built for.
    ./configure "${host[@]}" --without-bash-malloc --disable-nls --without-installed-readline CC_FOR_BUILD=cc
    make CC_FOR_BUILD=cc CFLAGS_FOR_BUILD=-O1 CFLAGS="$CFLAGS -std=gnu89 -w -Wno-error"
    make CC_FOR_BUILD=cc CFLAGS="$CFLAGS -std=gnu89 -w" recho zecho printenv xcase 2>/dev/null || true
}

# Scripts of its suite, without those that look at ids, terminals or time.
own='appendop arith array assoc braces builtins case casemod comsub cond cprint dollars dynvar exp exportfunc extglob func getopts globstar heredoc herestr ifs input invert iquote lastpipe mapfile more-exp nameref new-exp nquote parser posix2 posixexp precedence printf procsub quote read rhs rsh set-e set-x shopt strip test tilde trap type varenv vredir'

cases() {
    local script
    for script in "$here"/recipes/shell/*.sh; do
        try "$(basename "$script" .sh)" run bash "$script"
    done
    for script in $own; do
        try "own-$script" own_test "$script"
    done
}

# As tests/run-NAME does it, with helpers that are native.
own_test() {
    local at=$cache/build/bash/native
    cp -R "$at/tests/." . && export PATH=$PATH:. TMPDIR=$PWD BASH_TSTOUT=$PWD/out
    local name
    for name in recho zecho printenv xcase; do
        [[ -x $at/$name ]] && cp "$at/$name" .
    done
    export THIS_SH=$PWD/this
    [[ $kind == native ]] && cp "$built/bash" this || printf '#!/bin/sh\nexec %s run %s "$@"\n' "$wali" "$built/bash" >this
    chmod +x this
    local file
    file=$(compgen -G "$1.tests" || compgen -G "$1*.tests" | head -n 1)
    run bash "./$file" 2>&1 | sed "s#$cache/[^ ]*/bash#bash#g"
}
