# shellcheck shell=bash disable=SC2034,SC2154
package=''
about="programs of our own in C++: exceptions, streams, locales, regular expressions, threads, files, times, the ways a program ends; natively by g++ with its own library and glibc"

if [[ ! -e $sdk/sysroot/lib/$target/libc++.a ]]; then
    say "cxx: not tried: the SDK has no C++ library (sdk/cxx)"
    exit 0
fi
# Another library, another build.
extra=$(cat "$sdk/cxx/key")

differs at_exit "the main thread's own objects go at exit in turn with static ones, where glibc has them go first."
differs handled "an exception that nothing catches ends the program by SIGABRT without calling the handler of std::set_terminate, as WebAssembly unwinds first."

build() {
    local cxx=$CXX
    [[ $kind == wali ]] || cxx=g++
    "$cxx" -std=c++20 -O2 -pthread standard.cpp -o standard
}

cases() {
    local program
    for program in exceptions memory types text locales expressions threads files times computing at_exit \
        quick handled; do
        try "$program" run standard "$program"
    done
    for program in uncaught noexcepts; do
        try "$program" ended "$program"
    done
}

# The shell says by which signal, with the process's id.
ended() {
    { run standard "$1"; } 2>/dev/null
    echo $?
}
