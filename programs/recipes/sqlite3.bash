# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
about='a slice of its fuzzing corpora (one query in 200; --all: each), speedtest1 and its check of itself, threadtest5, SQL in the shell, two processes at one file'

build() {
    command -v tclsh >/dev/null || die 'tclsh is missing, which puts the source together; install tcl'
    # Natively, so that both get the same amalgamation.
    (unset CC CFLAGS AR RANLIB && mkdir amalgamation && cd amalgamation && ../configure --disable-tcl --disable-readline >/dev/null && make sqlite3.c shell.c)
    cp amalgamation/{sqlite3.c,sqlite3.h,shell.c} src/sqlite3ext.h .
    # Its own options for fuzzcheck.
    local options='-I. -Itest -Iext/recover -DSQLITE_OSS_FUZZ -DSQLITE_ENABLE_BYTECODE_VTAB -DSQLITE_ENABLE_DBPAGE_VTAB
        -DSQLITE_ENABLE_DBSTAT_VTAB -DSQLITE_ENABLE_DESERIALIZE -DSQLITE_ENABLE_EXPLAIN_COMMENTS
        -DSQLITE_ENABLE_FTS3_PARENTHESIS -DSQLITE_ENABLE_FTS4 -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_GEOPOLY
        -DSQLITE_ENABLE_MATH_FUNCTIONS -DSQLITE_ENABLE_MEMSYS5 -DSQLITE_ENABLE_NORMALIZE
        -DSQLITE_ENABLE_OFFSET_SQL_FUNC -DSQLITE_ENABLE_PREUPDATE_HOOK -DSQLITE_ENABLE_RTREE
        -DSQLITE_ENABLE_SESSION -DSQLITE_ENABLE_STMTVTAB -DSQLITE_ENABLE_UNKNOWN_SQL_FUNCTION
        -DSQLITE_ENABLE_STAT4 -DSQLITE_ENABLE_STMT_SCANSTATUS -DSQLITE_OMIT_LOAD_EXTENSION
        -DSQLITE_PRINTF_PRECISION_LIMIT=1000 -DSQLITE_STRICT_SUBTYPE=1 -DSQLITE_STATIC_RANDOMJSON'
    "$CC" $CFLAGS $options -c sqlite3.c
    "$CC" $CFLAGS $options -o shell shell.c sqlite3.o -lm -lpthread
    "$CC" $CFLAGS $options -o speedtest1 test/speedtest1.c sqlite3.o -lm -lpthread
    "$CC" $CFLAGS $options -o threadtest5 test/threadtest5.c sqlite3.o -lm -lpthread
    "$CC" $CFLAGS $options -o fuzzcheck test/fuzzcheck.c test/ossfuzz.c test/fuzzinvariants.c ext/recover/dbdata.c \
        ext/recover/sqlite3recover.c test/vt02.c ext/misc/randomjson.c sqlite3.o -lm -lpthread
}

cases() {
    local script n
    for script in "$here"/recipes/sqlite3/*.sql; do
        try "$(basename "$script" .sql)" sql "$script"
    done
    for n in 1 2 3 4 5 6 7 8; do
        try "fuzzdata$n" fuzzdata "$n"
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

# Each fuzzes databases or SQL; results are compared with what sqlite's authors got. Which of them time out
# depends on the machine, so there is no limit.
fuzzdata() {
    cp "$built/test/fuzzdata$1.db" slice.db
    [[ $all -eq 1 ]] || "$cache/build/sqlite3/native/shell" slice.db \
        'delete from xsql where sqlid % 200 <> 1; delete from db where dbid % 200 <> 1'
    run fuzzcheck --timeout 0 --limit-mem 50M slice.db 2>&1 | grep '^fuzzcheck:' | sed 's/ in [0-9.]* seconds//'
    rm slice.db
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

# The first process keeps the lock until it is told.
locked() {
    run shell lock.db 'create table t(x); insert into t values(1)'
    mkfifo go
    run shell lock.db <go >first &
    exec {go}>go
    echo "begin exclusive; insert into t values(2); select 'has it';" >&"$go"
    local try
    for ((try = 0; try < 1200; try++)); do
        grep -q 'has it' first && break
        sleep 0.05
    done
    run shell lock.db 'insert into t values(3)'
    run shell lock.db 'select * from t'
    run shell lock.db '.timeout 60000' 'insert into t values(4)' {go}>&- &
    local waiting=$!
    echo 'commit;' >&"$go"
    exec {go}>&-
    wait "$waiting"
    echo "waited: $?"
    run shell lock.db 'select * from t'
}

import() {
    seq -f '%g,name%g' 20000 >rows.csv
    run shell import.db '.mode csv' '.import rows.csv t' 'select count(*), max("1"+0) from t'
    run shell import.db '.dump' | sha256sum
}

benchmarks() {
    measured "speedtest1 --size 20" verified
    measured 'start of the shell' run shell :memory: 'select 1'
}

verified() {
    run speedtest1 --size 20 --verify --nosync :memory: | grep -o 'Verification Hash.*'
}
