x=hello; echo "${x#h} ${x%o} ${x:-d} ${unset:-default} ${x:+set} ${#x} $((1 + 2 * 3)) $(echo sub) `echo tick`"
for i in 1 2 3; do [ $i = 2 ] && continue; printf '%s ' $i; done; echo
i=0; while [ $i -lt 1000 ]; do i=$((i + 1)); done; echo $i
f() { local y=in; echo "$1 $# $y"; return 3; }; f a b; echo $?
case abc in a*c) echo glob;; *) echo no;; esac
cat <<END
here $x $(echo nested) $((6 * 7))
END
cat <<'END'
quoted $x
END
set -- a 'b c' d; for a; do echo "<$a>"; done; shift 2; echo $1; echo "$@"
IFS=:; set -- $(echo a:b:c); echo $2; unset IFS
echo /etc/pass* /nosuch*; echo ~root
(exit 5); echo $?; ! true; echo $?; true && false || echo or
readonly r=1; (r=2) 2>/dev/null; echo $?
eval 'echo "evaluated $x"'; . /dev/null; type cd f cat | sed 's/ is .*/ is/'
unset nothing; (set -u; echo $nothing) 2>/dev/null; echo $?
printf '%d %s %05.1f %x %b\n' 42 str 3.14159 255 'a\tb'
test -d / -a ! -f /; echo $?; [ abc \< abd ]; echo $?
umask; cd /tmp; pwd; cd - >/dev/null; echo "$OLDPWD"
getopts ab: opt -a -b val; echo $opt; getopts ab: opt -a -b val; echo $opt $OPTARG
