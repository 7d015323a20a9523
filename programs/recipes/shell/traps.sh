trap 'echo exit trap' EXIT; trap 'echo usr1' USR1; kill -USR1 $$; echo after
trap '' TERM; kill -TERM $$; echo ignored; trap - TERM
(trap 'echo in subshell; exit 3' INT; kill -INT $(sh -c 'echo $PPID')); echo $?
trap 'echo waited for; : >seen' USR2; (until grep -q 'State:.S' /proc/$$/status; do :; done; sleep 0.2; kill -USR2 $$; until [ -e seen ]; do :; done) & wait; echo "wait $?"; wait; rm seen
sleep 5 & p=$!; until grep -q sleep /proc/$p/comm; do :; done; kill $p; wait $p 2>/dev/null; echo $?
sh -c 'trap "" INT; sh -c "kill -INT \$\$; echo survived"'
trap; set -e; false || true; echo still; (set -e; false; echo never); echo not reached
