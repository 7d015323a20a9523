# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
about='scripts (expansions, traps, jobs, here-documents, functions, signals), pipelines with native programs'

build() {
    ./configure "${host[@]}" --without-libedit CC_FOR_BUILD=cc
    make CFLAGS="$CFLAGS"
}

cases() {
    local script
    for script in "$here"/recipes/shell/*.sh; do
        try "$(basename "$script" .sh)" run src/dash "$script"
    done
    try command run src/dash -c 'echo "$0 $1 $#"' name one two
    try syntax run src/dash -c 'if then'
    try missing run src/dash nosuchscript
    try input input
    try killed run src/dash -c 'kill -TERM $$'
    try errexit run src/dash -ec 'echo a; false; echo b'
    try interactive interactive
}

input() {
    printf 'echo one\nread x\ninput line\necho "got $x"\n' | run src/dash
}

interactive() {
    printf 'echo hi\nset -o | grep emacs\nexit 4\n' | run src/dash -i 2>/dev/null
}
