# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
about='fuzzcheck on its own data, its threads test, speedtest1 (with the results verified), SQL scripts in the shell'

build() {
    command -v tclsh || { echo 'tclsh is missing, which puts the source together; install tcl' && return 1; }
    # Natively, so that both get the same amalgamation.
    (unset CC CFLAGS AR RANLIB && mkdir amalgamation && cd amalgamation && ../configure --disable-tcl --disable-readline >/dev/null && make sqlite3.c shell.c)
    cp amalgamation/{sqlite3.c,sqlite3.h,shell.c} .
    "$CC" $CFLAGS -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_RTREE -DSQLITE_ENABLE_MATH_FUNCTIONS \
        -o shell shell.c sqlite3.c -lm -lpthread
    "$CC" $CFLAGS -I. -o speedtest1 test/speedtest1.c sqlite3.c -lm -lpthread
    "$CC" $CFLAGS -I. -DSQLITE_THREADSAFE=1 -o threadtest5 test/threadtest5.c sqlite3.c -lm -lpthread
}

cases() {
    local script
    for script in "$here"/recipes/sqlite3/*.sql; do
        try "$(basename "$script" .sql)" sql "$script"
    done
    try speedtest1 speedtest1
    try speedtest1-file speedtest1_file
    try threads threads
    try locked locked
    try import import
}

sql() {
    run shell test.db <"$1"
}

speedtest1() {
    run speedtest1 --size 5 --verify --nosync :memory: | grep -o 'Verification Hash.*'
}

speedtest1_file() {
    run speedtest1 --size 3 --verify --journal wal speed.db | grep -o 'Verification Hash.*'
    run shell speed.db 'pragma integrity_check'
}

threads() {
    run threadtest5 -num-workers 4 2>&1 | tail -n 1 | sed 's/[0-9.]* seconds//'
}

# Two processes, a guest and this machine's own if there is one.
locked() {
    run shell lock.db 'create table t(x); insert into t values(1)'
    run shell lock.db 'begin exclusive; select 1; .system sleep 1' &
    sleep 0.5
    run shell lock.db 'insert into t values(2)'
    wait
    run shell lock.db 'insert into t values(3); select count(*) from t'
}

import() {
    seq -f '%g,name%g' 20000 >rows.csv
    run shell import.db '.mode csv' '.import rows.csv t' 'select count(*), max("1"+0) from t'
    run shell import.db '.dump' | sha256sum
}
