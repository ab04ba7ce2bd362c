# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Python that ends, or stands still, at one step of what it was sent. It stands in for a host's: ``python -I cut_python.py -I -c CODE``.
With ``--serve`` it does many requests, each in a process that it forks.

A step is what changes or opens a file below ``CUT_FOLDER``: it is seen by an audit hook, which nothing that is sent can get past; or one
byte of a file that is written, a sync, a byte of the answer. Steps count from the moment on when a request to ``CUT_DO`` was read that
has ``CUT_ABOUT`` in it.
Standard library alone, and no imports of ours.
"""

import io
import json
import os
import signal
import sys
import time

SEEN = (
    "open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.chown", "os.setxattr", "os.link", "os.truncate",
    "fcntl.flock", "subprocess.Popen",
)  # fmt: skip


class Cut:
    """Counts steps, and acts at one of them.

    :param at: the number of the step that does not happen any more; negative for none.
    :param act: what happens instead.
    :param folder: what the steps are about.
    :param pieces: in how many pieces a file and the answer are written; each is a step. Without it, each byte is.
    """

    def __init__(self, at, act, folder, pieces=None):
        self.at, self.act, self.folder, self.pieces = at, act, folder, pieces
        self.steps = []
        self.on = False

    def step(self, name):
        if not self.on:
            return
        number = len(self.steps)
        self.steps.append(name)
        if number == self.at:
            self.on = False
            self.act()
            self.on = True

    def audit(self, event, arguments):
        if self.on and event in SEEN:
            what = arguments[0]
            if isinstance(what, int) or os.fsdecode(what).startswith(self.folder):
                self.step(event)

    def piecewise(self, name, write, data):
        size = -(-len(data) // self.pieces) if self.pieces else 1
        for start in range(0, len(data), size):
            self.step(name)
            write(data[start : start + size])

    def install(self):
        """Take effect in this process, from now on and for good."""
        cut, fdopen, fsync = self, os.fdopen, os.fsync

        class File(io.FileIO):
            def write(self, data):
                cut.piecewise("write", super().write, data)
                return len(data)

        def opened(handle, mode="r", *more):
            return File(handle, "wb") if mode == "wb" else fdopen(handle, mode, *more)

        def synced(handle):
            cut.step("fsync")
            fsync(handle)
            cut.step("after fsync")

        os.fdopen, os.fsync = opened, synced
        sys.addaudithook(self.audit)


class Answer:
    """Standard output."""

    def __init__(self, cut, real):
        self.cut, self.real = cut, real

    def write(self, text):
        self.cut.piecewise("answer", self.real.write, text)

    def flush(self):
        self.cut.step("flush")
        self.real.flush()
        self.cut.step("after all")


def serve(sources):
    """Do what each line of standard input asks for, in a process of its own that was forked from this small one; say how it ended."""
    code = [compile(source.replace("from __future__ import annotations", ""), "<sent>", "exec") for source in sources]
    for line in sys.stdin:
        asked = json.loads(line)
        ours, theirs = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                answer_once(code[asked["code"]], asked, theirs)
            finally:
                os._exit(3)
        os.close(theirs)
        with os.fdopen(ours) as file:
            said = file.read()
        status = os.waitpid(child, 0)[1]
        sys.stdout.write(json.dumps([-os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), said]) + "\n")
        sys.stdout.flush()


def answer_once(code, asked, results):
    os.umask(0)
    names = {"__name__": "hybridops"}
    exec(code, names)  # noqa: S102  (as the host does with what it is sent)
    cut = Cut(asked["at"], lambda: os.kill(os.getpid(), signal.SIGKILL), asked["root"])
    cut.install()
    cut.on = True
    answer = names["respond"](names["OPERATIONS"], asked["request"])
    cut.step("answer")
    cut.on = False
    os.write(results, (",".join(cut.steps) if answer["ok"] else str(answer)).encode())
    os._exit(0 if answer["ok"] else 2)


def stand_still():
    """Stop until somebody says to go on; for a long time, as far as a clock tells, where that is asked for."""
    os.kill(os.getpid(), signal.SIGSTOP)
    if os.environ.get("CUT_LONG"):
        monotonic = time.monotonic
        time.monotonic = lambda: monotonic() + 3600


def happen():
    """Let something happen on the host, and go on."""
    os.system(os.environ["CUT_RUN"])  # noqa: S605  (it comes from the test)


def main():
    if sys.argv[1] == "--serve":
        serve(json.loads(sys.stdin.readline()))
        return
    act = {"kill": lambda: os.kill(os.getpid(), signal.SIGKILL), "stop": stand_still, "run": happen}[os.environ["CUT_HOW"]]
    cut = Cut(int(os.environ["CUT_AT"]), act, os.environ["CUT_FOLDER"], pieces=2)
    loads, words = json.loads, (f'"do": "{os.environ["CUT_DO"]}"', os.environ.get("CUT_ABOUT", ""))

    def loaded(text):
        cut.on = cut.on or all(word in text for word in words)
        return loads(text)

    json.loads = loaded
    sys.stdout = Answer(cut, sys.stdout)
    cut.install()
    exec(compile(sys.argv[-1], "<sent>", "exec"), {"__name__": "__main__"})  # noqa: S102  (what a Python does with -c)
    if cut.steps:
        with open(os.environ["CUT_LOG"], "w") as log:
            log.write(",".join(cut.steps))


if __name__ == "__main__":
    main()
