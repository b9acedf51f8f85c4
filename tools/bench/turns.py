# SPDX-License-Identifier: Apache-2.0
"""Systems that take turns, each in a process of its own: the parent's side and the worker's.

A command is a line of JSON on the worker's standard input, {"do": what, ...}; its answer is a line on its standard
output, with "error" in it where the command failed. Standard library only: workers run in other interpreters.
"""
import json
import os
import subprocess
import sys


def torchPython(build):
    """The interpreter with PyTorch that tools/setup has put into folder `build`, else this one."""
    python = build / "peers-torch" / "bin" / "python"
    return str(python if python.exists() else sys.executable)



class Failure(Exception):
    pass


class Process:
    """The parent's side of a worker; what it prints goes to the file `log`."""

    def __init__(self, command, log, environment=None):
        self.log = open(log, "w")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
                                        text=True, env=environment)

    def ask(self, do, **arguments):
        try:
            self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline() or "null")
        except BrokenPipeError:
            answer = None
        if answer is None:
            answer = {"error": f"the process ended with status {self.process.wait()}; see {self.log.name}"}
        if "error" in answer:
            raise Failure(answer["error"])
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.log.close()


def serve(args, make, missing=()):
    """The worker's side: make(args).do(command) answers every command, on the cores and threads of `args`.

    Exceptions of the types `missing` say that the system is not installed.
    """
    os.sched_setaffinity(0, [int(core) for core in args.cores.split(",")])
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    worker = make(args)
    for line in sys.stdin:
        try:
            answer = worker.do(json.loads(line))
        except tuple(missing) as error:
            answer = {"error": str(error), "missing": True}
        except Exception as error:  # a system that fails is a result
            answer = {"error": f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"}
        print(json.dumps(answer), file=answers, flush=True)
    return 0
