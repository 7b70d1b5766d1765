#!/bin/bash
# No script with pipefail may end a pipe with a reader that leaves early: its writer dies of SIGPIPE now and then, and the
# script with it. And a command that fails is named.
#
# usage: scripts_test.sh ROOT
set -uo pipefail
cd "$1/tests" || exit 2
failed=0
early='[^|]\| *(head|grep .*-[a-zA-Z]*[qm]|sed (-n )?.?[0-9]*q|awk .*exit)'
for pipe in 'a | grep -q x' 'a | grep -F -qx x' 'a | grep -m1 x' 'a | head -n 1' 'a | sed 1q' "a | awk '{ exit }'"; do
    [[ $pipe =~ $early ]] || { echo "not found: $pipe"; failed=1; }
done
[[ ! 'grep -q x file || a' =~ $early ]] || { echo 'found: a grep -q that reads a file'; failed=1; }
mapfile -t scripts < <(grep -rlE --include='*.sh' '^(set .*pipefail|\. .*strict\.sh)' .)
[ ${#scripts[@]} -ge 10 ] || { echo "only ${#scripts[@]} scripts with pipefail"; failed=1; }
found=$(grep -nE "$early" "${scripts[@]}" | grep -v 'scripts_test.sh')
[ -z "$found" ] || { echo "a reader that leaves early, after a pipe:"; echo "$found"; failed=1; }
output=$(bash -c '. ./strict.sh; value=$(printf x | false); echo not reached' 2>&1)
[[ $output == *'exit code 1: value=$(printf x | false)' ]] || { echo "strict.sh printed: $output"; failed=1; }
exit $failed
