#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A training that was just compiled trains in C: train.c, by the C compiler, with the runtime alone.
#
#   train.sh WRITE_TRAINING RUNTIME_INCLUDE RUNTIME_LIBRARY CC [valgrind]
#
# With `valgrind` the program runs under it: nothing is read or written where it should not be, and
# nothing is lost. Exit code 77: this machine has no valgrind.
set -euo pipefail
write=$1 include=$2 library=$3 compiler=$4 valgrind=${5:-}
here=$(cd "$(dirname "$0")" && pwd)
run=()
if [ -n "$valgrind" ]; then
  command -v valgrind >/dev/null || { echo "valgrind is not installed: tools/setup installs it"; exit 77; }
  run=(valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect,possible --errors-for-leak-kinds=definite,indirect,possible --error-exitcode=1)
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CORNET_CACHE_DIR=$work/cache TMPDIR=$work
"$write" "$work/train.cornet"
"$compiler" -std=c99 -pedantic -Wall -Wextra -Wstrict-prototypes -Werror -O1 -gdwarf-4 "$here/train.c" -I"$include" "$library" \
  -Wl,-rpath,"$(dirname "$library")" -o "$work/train"
"${run[@]}" "$work/train" "$work/train.cornet" "$work/state" ${valgrind:+100}
[ -s "$work/state" ] || { echo "FAILED: no state was saved"; exit 1; }
[ -z "$(find "$work" -name 'state.tmp*')" ] || { echo "FAILED: a half-written state was left"; exit 1; }
