#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An installation in a temporary prefix builds the template of a pass outside this tree; the plug-in
# changes a compiled model; one for another version is refused with both versions named.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CORNET_CACHE_DIR=$work/cache
fail() { echo "FAILED: $*"; exit 1; }

cmake --install "$CORNET_BUILD_DIR" --prefix "$work/prefix" >"$work/install.log" || { tail "$work/install.log"; fail install; }
cp -r "$work/prefix/share/cornet/pass-template" "$work/mine"
build() {
  cmake -S "$work/mine" -B "$1" -G Ninja -DCMAKE_CXX_COMPILER=clang++-22 -DCMAKE_C_COMPILER=clang-22 \
    -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_FLAGS="${2:-}" && cmake --build "$1"
}
build "$work/build" >"$work/build.log" 2>&1 || { tail -n 40 "$work/build.log"; fail "building the template"; }
ctest --test-dir "$work/build" --output-on-failure || fail "the template's own test"

cornet=$work/prefix/bin/cornet
plugin=$work/build/libApproximateGelu.so
cat >"$work/model.cpp" <<'EOF'
#include <cornet/cornet.h>
using namespace cornet;
CORNET_MODEL(bent) {
  return Sequential({16}, {Dense({.units = 8, .activation = "gelu"})});
}
EOF
pipeline=$("$cornet" compile "$work/model.cpp" --print-pipeline)
"$cornet" compile "$work/model.cpp" -o "$work/exact.cornet"
"$cornet" compile "$work/model.cpp" -o "$work/bent.cornet" --load-pass-plugin "$plugin" \
  --pipeline "${pipeline/func.func(/func.func(approximate-gelu,}"
python3 -c 'print(",".join(str(i / 8 - 1) for i in range(16)))' >"$work/x.csv"
for name in exact bent; do
  "$cornet" run "$work/$name.cornet" "$work/x.csv" --output "$work/$name.csv"
done
python3 - "$work/exact.csv" "$work/bent.csv" <<'EOF' || fail "the plug-in did not change the model as it should"
import sys
exact, bent = ([float(v) for v in open(path).read().replace("\n", ",").split(",") if v] for path in sys.argv[1:])
difference = max(abs(a - b) for a, b in zip(exact, bent))
print("largest difference by the plug-in:", difference)
sys.exit(not (len(exact) == len(bent) == 8 and 0 < difference < 1e-3))
EOF

sed -i 's/^#include "passes\/Plugin.h"/#undef CORNET_VERSION\n#define CORNET_VERSION "0.0.9"\n&/' "$work/mine/ApproximateGelu.cpp"
build "$work/old" >"$work/build.log" 2>&1 || { tail -n 40 "$work/build.log"; fail "building for another version"; }
for command in "$cornet compile $work/model.cpp -o $work/no.cornet" "$work/prefix/bin/cornet-opt $work/mine/test/approximate-gelu.mlir"; do
  if $command --load-pass-plugin="$work/old/libApproximateGelu.so" >"$work/out" 2>&1; then
    fail "a plug-in for another version was taken by: $command"
  fi
  grep -q "0.0.9" "$work/out" && grep -q "this is 'Cornet" "$work/out" || { cat "$work/out"; fail "the refusal does not name both versions"; }
done
[ ! -e "$work/no.cornet" ] || fail "a refused plug-in left an artifact"
