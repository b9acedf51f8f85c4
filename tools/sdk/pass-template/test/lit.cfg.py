# SPDX-License-Identifier: Apache-2.0
import os

import lit.formats

config.name = "approximate-gelu"
config.suffixes = [".mlir"]
config.test_format = lit.formats.ShTest(execute_external=False)
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(os.environ["LIT_OUTPUT"], "lit")
config.substitutions += [
    ("%cornet-opt", os.path.join(os.environ["CORNET_PREFIX"], "bin", "cornet-opt")),
    ("%plugin", os.environ["PLUGIN"]),
    ("%FileCheck", os.path.join(os.environ["LLVM_TOOLS"], "FileCheck")),
]
