# SPDX-License-Identifier: Apache-2.0
"""Checks that no constraint and no op is without a test: complete.py SOURCE_DIR.

A label ("conv_c3") must stand in a check of ir/, in an op's record and in an expected-error of
tests/ir; every op of the records must be in RoundTrip.mlir. Prints what is missing and exits with 1.
"""
import glob
import os
import re
import sys

LABEL = r"\b[a-z_]+_c\d+\b"
PREFIXED = r'std::string\(label\) \+\s*"(_c\d+)'  # a check shared by ops, whose label is an argument


def text(*patterns):
    return "\n".join(open(path, encoding="utf-8").read() for pattern in patterns for path in sorted(glob.glob(pattern)))


def checked(source):
    """Labels of the checks: written out, or from a function given `label` by each of its callers."""
    labels = set(re.findall(rf'"({LABEL}):', source))
    bodies = re.split(r"^(?=Result \w+\()", source, flags=re.M)
    named = {re.match(r"Result (\w+)", body)[1]: body for body in bodies if re.match(r"Result \w+\(const char \*label", body)}

    def suffixes(name):
        inner = [suffixes(other) for other in named if other != name and f"{other}(label" in named[name]]
        return set(re.findall(PREFIXED, named[name])).union(*inner)

    for name in named:
        for label in re.findall(rf'\b{name}\("(\w+)"', source):
            labels |= {label + suffix for suffix in suffixes(name)}
    return labels


def main(root):
    os.chdir(root)
    records, tests = text("ir/Ops/*.td"), text("tests/ir/Ops/*.mlir")
    checks = checked(text("ir/Infer/*.cpp", "ir/Ops/*.cpp"))
    expected = set(re.findall(LABEL, "\n".join(re.findall(r"expected-error.*", tests))))
    documented = set(re.findall(LABEL, records))
    ops = set(re.findall(r'^def Cornet_\w+Op : \w+<"(\w+)"', records, re.M))
    tripped = set(re.findall(r"^ .*\bcornet\.(\w+)|^cornet\.(\w+)", text("tests/ir/Ops/RoundTrip.mlir"), re.M))
    missing = [f"{label}: no negative test in tests/ir/Ops" for label in checks - expected]
    missing += [f"{label}: not in its op's record in ir/Ops" for label in checks - documented]
    missing += [f"{label}: in a record or a test, but no check has it" for label in (documented | expected) - checks]
    missing += [f"cornet.{op}: not in RoundTrip.mlir" for op in ops - {name for pair in tripped for name in pair}]
    for line in sorted(missing):
        print(line)
    print(f"{len(checks)} constraints, {len(ops)} ops, {len(missing)} missing")
    return 1 if missing or not checks or not ops else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
