# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
package=lua5.4
about='scripts for the language (errors, coroutines, closures, strings, tables, files, processes), a few benchmarks, luac'

build() {
    make -C src CC="$CC" AR="$AR rcu" RANLIB="$RANLIB" \
        MYCFLAGS='-DLUA_USE_POSIX' MYLIBS='' lua luac
}

cases() {
    local script
    for script in "$here"/recipes/lua/*.lua; do
        try "$(basename "$script" .lua)" run src/lua "$script"
    done
    try version run src/lua -v
    try syntax run src/lua -e 'x = = 1'
    try uncaught run src/lua -e 'error({})'
    try traceback run src/lua -e 'local function f() error("deep") end f()'
    try exit run src/lua -e 'io.write("no newline") os.exit(7)'
    try arguments run src/lua -e 'print(...)' - a 'b c' ''
    try input input
    try compiled compiled
}

input() {
    seq 1000 | run src/lua -e 'local s = 0 for l in io.lines() do s = s + l end print(s)'
}

compiled() {
    run src/luac -o out.luac "$here/recipes/lua/closures.lua"
    run src/lua out.luac
    run src/luac -l out.luac | wc -l
}

benchmarks() {
    local kernel
    for kernel in "$here"/recipes/lua/kernels/*.lua; do
        measured "$(basename "$kernel" .lua)" run src/lua "$kernel"
    done
    measured 'start' run src/lua -e ''
}
