# For scripts of tests: ends at the first command that fails, and names it, so that none ends without a message.
set -Eeuo pipefail
trap 'echo "${BASH_SOURCE[0]-$0}:$LINENO: exit code $?: $BASH_COMMAND" >&2' ERR
