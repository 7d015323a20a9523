echo a | cat | tr a b; seq 100000 | wc -l; yes | head -n 3
sleep 0.1 & wait $!; echo "waited $?"; (exit 9) & wait $!; echo $?
for i in 1 2 3 4; do (echo $i > part.$i) & done; wait; cat part.1 part.2 part.3 part.4; rm part.*
sh -c 'kill -9 $$' 2>/dev/null; echo $?; sh -c 'exit 42'; echo $?
nosuchcommand 2>/dev/null; echo $?; /etc/passwd 2>/dev/null; echo $?; /nosuch/path 2>/dev/null; echo $?
echo out > file; echo more >> file; cat < file; cat file 2>&1 >/dev/null; exec 3< file; read line <&3; echo "$line"; exec 3<&-
echo error >&2 2>/dev/null; { echo group; echo two; } | wc -l; x=$(sh -c 'echo $PPID' >/dev/null; echo done); echo $x
mkfifo fifo; cat fifo & echo through > fifo; wait; rm fifo file
i=0; while [ $i -lt 50 ]; do /bin/true || echo failed; i=$((i + 1)); done; echo fifty
VAR=passed sh -c 'echo $VAR'; export EXPORTED=yes; env | grep EXPORTED; command -v cat
ulimit -n > /dev/null; echo $?; exec sh -c 'echo replaced; exit 6'
