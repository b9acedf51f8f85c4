#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An installation in a temporary prefix, out of sight of this tree, is all that a user's own program
# needs to train with a layer, a loss, a metric, an optimizer, a schedule and a step of its own.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CORNET_CACHE_DIR=$work/cache
fail() { echo "FAILED: $*"; exit 1; }

cmake --install "$CORNET_BUILD_DIR" --prefix "$work/prefix" >"$work/install.log" || { tail "$work/install.log"; fail install; }
cp -r "$work/prefix/share/cornet/training-template" "$work/mine"
cmake -S "$work/mine" -B "$work/build" -G Ninja -DCMAKE_CXX_COMPILER="${CXX:-clang++-22}" -DCMAKE_PREFIX_PATH="$work/prefix" >"$work/build.log" 2>&1 &&
  cmake --build "$work/build" -- -v >>"$work/build.log" 2>&1 || { tail -n 40 "$work/build.log"; fail "building the program"; }
! grep -nE "$CORNET_SOURCE_DIR/" "$work/build.log" || fail "the program was built with files of the source tree"
(cd "$work/build" && ./my_training) || fail "the program's own checks"

# Its libraries are the installed ones, and those of the system.
ldd "$work/build/my_training" >"$work/libraries"
! grep "not found" "$work/libraries" || fail "a library is missing"
! grep "$CORNET_BUILD_DIR" "$work/libraries" || fail "a library of the build folder is used"
for library in train data export frontend infer runtime import; do
  grep -q "libcornet_$library.so => $work/prefix/lib/" "$work/libraries" || { cat "$work/libraries"; fail "libcornet_$library.so is not the installed one"; }
done
for file in mine.weights.h5 critic.weights.h5; do
  [ -s "$work/build/$file" ] || fail "$file was not saved"
done
