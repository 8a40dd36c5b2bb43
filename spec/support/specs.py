"""Runs spec files, several at a time, each in a busted of its own.

    specs.py [--log FOLDER] [--at-once N] [--each SECONDS] [--all SECONDS]
             [--grace SECONDS] [--first NAME,...] FILE... -- COMMAND...

COMMAND starts busted; a file's name is added to it. FOLDER takes what each
file prints and its record (record.lua). A test that takes longer than --each
is interrupted, as by Ctrl-C, and fails; if that does not end it within --grace,
its process is ended, and a new one runs the tests that are left. So it goes on after a crash.
After --all seconds everything is ended. Whatever is ended names its test.

Standard output gets a line for each file, what failed files have printed, the
slowest tests, and as last lines

    SKIPPED FILE: NAME      of each pending test that says "cannot be tried
                            here" in its name; other pending tests have failed
    N passed, N failed, N skipped
"""

import argparse
import os
import re
import select
import signal
import subprocess
import sys
import time

CANNOT = "cannot be tried here"
CHANCES = 20  # processes for one file


class File:
    """One spec file: its processes, one after the other, and its results."""

    def __init__(self, name, options):
        self.name = name
        self.options = options
        stem = os.path.basename(name)[:-len("_spec.lua")]
        self.output = os.path.join(options.log, stem + ".out")
        self.record = os.path.join(options.log, stem + ".record")
        self.seconds = 0
        self.passed = 0
        self.problems = []
        self.skipped = []
        self.times = []
        self.ran = []
        self.chances = CHANCES
        self.process = None

    def start(self):
        left_out = ["--filter-out=" + pattern(name) for name in self.ran]
        environment = dict(os.environ, HN_RECORD=self.record)
        open(self.record, "wb").close()
        self.read = 0
        self.rest = b""
        self.running = None
        self.before = "what comes before the first"
        self.why = None
        self.is_done = self.was_cut = self.has_begun = False
        self.began = self.since = time.monotonic()
        self.chances -= 1
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(
                self.options.command + left_out + [self.name],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=environment, start_new_session=True)

    def fail(self, what, why):
        self.problems.append("%s: %s" % (what, why))

    def place(self):
        return self.running or "(no test, but %s)" % self.before

    def catch_up(self):
        """Reads what the record has more than before."""
        with open(self.record, "rb") as record:
            record.seek(self.read)
            text = record.read()
        self.read += len(text)
        *lines, self.rest = (self.rest + text).split(b"\n")
        for line in lines:
            self.note(*line.decode("utf-8", "replace").split("\t"))
            self.since = time.monotonic()

    def note(self, kind, *words):
        if self.was_cut:
            words = self.cut(kind, words)
        if kind == "start":
            self.running, self.has_begun = words[0], True
            self.ran.append(words[0])
        elif kind == "end":
            self.end_of_test(*words)
        elif kind == "wrong":
            self.fail(words[0], words[1])
        elif kind == "why":
            self.why = words[0]
        elif kind == "done":
            self.is_done = True

    def cut(self, kind, words):
        """The first word of a test that was interrupted."""
        self.was_cut = False
        late = "took longer than %d s" % self.options.each
        if kind in ("why", "wrong"):
            return *words[:-1], late + ": " + words[-1]
        if kind == "end":
            self.why = late
            return "late", words[1]
        self.fail(self.place(), late)
        return words

    def end_of_test(self, status, name):
        seconds = time.monotonic() - self.since
        self.times.append((seconds, self.name + ": " + name))
        if status == "pending" and CANNOT in name:
            self.skipped.append(name)
        elif status == "success":
            self.passed += 1
        else:
            self.fail(name, self.why or status)
        self.running = self.why = None
        self.before = "what follows " + name

    def watch(self):
        """Ends a test that takes too long. The clock starts anew with each
        line of the record."""
        waited = time.monotonic() - self.since
        if waited > self.options.each + self.options.grace:
            self.finish("took longer than %d s, and was ended" % self.options.each)
        elif waited > self.options.each and not self.was_cut:
            self.was_cut = True
            os.kill(self.process.pid, signal.SIGINT)

    def has_ended(self):
        how = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.process.pid, how) is not None

    def finish(self, reason=None):
        """Ends the process, if it has not ended, and all it has started: its id
        is its own until it is waited for. With a reason it was not to end."""
        os.killpg(self.process.pid, signal.SIGKILL)
        status = self.process.wait()
        self.process = None
        self.catch_up()
        self.seconds += time.monotonic() - self.began
        if self.was_cut:
            reason = reason or "took longer than %d s" % self.options.each
        if not self.is_done:
            self.fail(self.place(), reason or "busted ended with status %d" % status)
        elif status and not self.problems:
            self.fail(self.name, "busted ended with status %d" % status)

    def said(self):
        if not os.path.exists(self.output):
            return ""
        with open(self.output, errors="replace") as output:
            return output.read()

    def goes_on(self):
        if self.is_done:
            return False
        if not self.has_begun or not self.chances:
            self.fail(self.name, "the rest was not run")
            return False
        return True


def pattern(name):
    """A Lua pattern of that name alone."""
    return "^" + "".join(c if c.isalnum() else "%s" if c.isspace() else "%" + c
                         for c in name) + "$"


class Runner:
    def __init__(self, options):
        self.options = options
        self.files = [File(name, options) for name in options.files]
        self.began = time.monotonic()
        self.running = []

    def step(self):
        for file in list(self.running):
            file.catch_up()
            if file.has_ended():
                file.finish()
            else:
                file.watch()
            if file.process:
                continue
            if file.goes_on():
                file.start()
            else:
                self.running.remove(file)

    def run(self, wake):
        first = self.options.first.split(",")

        def rank(file):
            stem = os.path.basename(file.name)[:-len("_spec.lua")]
            return first.index(stem) if stem in first else len(first)

        waiting = sorted(self.files, key=rank)
        while waiting or self.running:
            while waiting and len(self.running) < self.options.at_once:
                file = waiting.pop(0)
                self.running.append(file)
                file.start()
            if select.select([wake], [], [], 0.5)[0]:
                os.read(wake, 4096)
            self.step()
            if time.monotonic() - self.began > self.options.all:
                return self.give_up(waiting)

    def give_up(self, waiting):
        limit = "the job took longer than %d s" % self.options.all
        self.end_all(limit + ", and this was running")
        for file in waiting:
            file.fail(file.name, limit + ", and this was not begun")

    def end_all(self, reason="was ended"):
        for file in self.running:
            if file.process:
                file.finish(reason)

    def report(self):
        for file in self.files:
            print("%-6s %-34s %4d passed %3d failed %6.1f s" % (
                "FAILED" if file.problems else "ok", file.name, file.passed,
                len(file.problems), file.seconds))
        times = sorted((t for file in self.files for t in file.times), reverse=True)
        print("\nThe slowest tests:")
        for seconds, name in times[:15]:
            print("%6.1f s  %s" % (seconds, name))
        for file in self.files:
            if file.problems:
                print("\n---- " + file.name)
                print(file.said())
                for problem in file.problems:
                    print("FAILED %s: %s" % (file.name, problem))
        for file in self.files:
            for name in file.skipped:
                print("SKIPPED %s: %s" % (file.name, name))
        failed = sum(len(file.problems) for file in self.files)
        print("%d passed, %d failed, %d skipped" % (
            sum(file.passed for file in self.files), failed,
            sum(len(file.skipped) for file in self.files)))
        return failed


def arguments():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--log", default="build/log/one")
    parser.add_argument("--at-once", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("--each", type=float, default=60)
    parser.add_argument("--grace", type=float, default=10)
    parser.add_argument("--all", type=float, default=600)
    parser.add_argument("--first", default="")
    parser.add_argument("files", nargs="+")
    given = sys.argv[1:]
    at = given.index("--")
    options = parser.parse_args(given[:at])
    options.command = given[at + 1:]
    return options


def main():
    options = arguments()
    os.makedirs(options.log, exist_ok=True)
    for name in os.listdir(options.log):
        os.remove(os.path.join(options.log, name))
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    runner = Runner(options)
    try:
        runner.run(wake)
    finally:
        runner.end_all()
    return 1 if runner.report() else 0


if __name__ == "__main__":
    sys.exit(main())
