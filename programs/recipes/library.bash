# shellcheck shell=bash disable=SC2012,SC2016,SC2034,SC2046,SC2086,SC2094,SC2154
package=''
about='programs of our own for what the port of the C library does itself: start-up, threads, cancellation, jumps in three ways, processes'

build() {
    local program
    for program in threads cancel processes start start_void start_env messages raw; do
        "$CC" $CFLAGS -Wall -Werror -o "$program" "$program.c" -lpthread
    done
    "$CC" $CFLAGS -Wall -o jumps jumps.c
    "$CC" -O0 -o jumps0 jumps.c
    # By way of an object of several.
    "$CC" $CFLAGS -c threads.c
    "$CC" -nostdlib -r -o relinked.o threads.o
    "$CC" -o threads-relinked relinked.o -lpthread
    local how
    for how in exceptions legacy-exceptions; do
        "$CC" $CFLAGS $([[ $kind == native ]] || echo "--setjmp=$how") -o "jumps-$how" jumps.c
    done
}

cases() {
    local program
    for program in threads threads-relinked cancel processes messages raw jumps jumps0 jumps-exceptions jumps-legacy-exceptions; do
        try "$program" run "$program"
    done
    try start start
    try start_void run start_void
    try start_env run start_env
}

start() {
    run start
    run start a '' 'b c' -- --help -e x
    VARIABLE='with blanks = and more' EMPTY='' run start
    run start status; echo $?
    # Reads all, so that whether the program writes once or twice does not matter.
    run start | sed -n 1p
}
