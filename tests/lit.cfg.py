# SPDX-License-Identifier: Apache-2.0
"""Text tests: .mlir files for ir/ and passes/, and .test files that only run commands.

Requires CORNET_BUILD_DIR, a finished build (tools/dev/run-tests sets it). A test that passes leaves
nothing in the source tree: temporary files go to the build folder. One test by hand:

    CORNET_BUILD_DIR=build/release /usr/lib/llvm-22/bin/lit -v tests/ir/Ops
"""
import os
import sys

import lit.formats

build = os.environ.get("CORNET_BUILD_DIR")
if not build:
    lit_config.fatal("CORNET_BUILD_DIR names no build; run tools/dev/run-tests quick")
build = os.path.abspath(build)

config.name = "cornet"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["codegen", "frontend", "golden", "keras", "sdk", "tools"]  # other kinds of tests
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(build, "tests", "lit")
os.makedirs(config.test_exec_root, exist_ok=True)

tools = [os.path.join(build, "bin"), "/usr/lib/llvm-22/bin"]
config.environment["PATH"] = os.pathsep.join([*tools, os.environ["PATH"]])
config.substitutions += [("%{source}", os.path.dirname(config.test_source_root)), ("%{python}", sys.executable)]
for tool in ["cornet-opt", "cornet", "FileCheck", "not"]:
    if not any(os.access(os.path.join(folder, tool), os.X_OK) for folder in tools):
        lit_config.fatal(f"{tool} is in none of {', '.join(tools)}")
