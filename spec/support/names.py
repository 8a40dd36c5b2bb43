"""Names of a spec's own: runs a program where the hosts file and the name
server are the spec's.

Started by names.lua, in network and mount namespaces of its own:

    names.py FOLDER COMMAND...

FOLDER holds `hosts` and `resolv.conf`, which take the places of the system's.
The name server at 127.0.0.1 goes by the first label of a name:

    four, six, both   127.0.0.1, ::1, or both
    empty             the name exists, without an address
    absent            there is no such name
    broken            the server failed
    silent            never an answer
    slow              like four, after half a second

Each question is written to FOLDER/questions: its type and the name.
"""

import fcntl
import os
import socket
import struct
import subprocess
import sys
import threading

A, AAAA = 1, 28
LOOPBACK = {A: socket.inet_pton(socket.AF_INET, "127.0.0.1"),
            AAAA: socket.inet_pton(socket.AF_INET6, "::1")}
KNOWN = {"four": [A], "slow": [A], "six": [AAAA], "both": [A, AAAA], "empty": []}
CODES = {"absent": 3, "broken": 2}


def bring_loopback_up():
    set_flags, up_and_running = 0x8914, 0x49
    with socket.socket() as sock:
        fcntl.ioctl(sock, set_flags, struct.pack("16sh", b"lo", up_and_running))


def read_name(data, at):
    labels = []
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode("latin-1"))
        at += 1 + data[at]
    return ".".join(labels), at + 1


def answer(question):
    """The whole reply (RFC 1035 4), or None for silence; and the question."""
    name, end = read_name(question, 12)
    kind, _ = struct.unpack_from(">HH", question, end)
    label = name.split(".")[0].lower()
    noted = "%s %s\n" % ({A: "A", AAAA: "AAAA"}.get(kind, kind), name)
    if label == "silent":
        return None, noted
    records = b""
    if label in KNOWN and kind in KNOWN[label]:
        address = LOOPBACK[kind]
        records = struct.pack(">HHHIH", 0xc00c, kind, 1, 60,
                              len(address)) + address
    code = 0 if label in KNOWN else CODES.get(label, 3)
    head = question[:2] + struct.pack(">HHHHH", 0x8580 | code, 1,
                                      1 if records else 0, 0, 0)
    return head + question[12:end + 4] + records, noted


def serve(sock, log):
    while True:
        question, client = sock.recvfrom(4096)
        reply, noted = answer(question)
        log.write(noted)
        log.flush()
        if reply:
            delay = 0.5 if " slow." in noted else 0
            threading.Timer(delay, sock.sendto, (reply, client)).start()


def main():
    folder, command = sys.argv[1], sys.argv[2:]
    bring_loopback_up()
    for name in ("hosts", "resolv.conf"):
        subprocess.run(["mount", "--bind", os.path.join(folder, name),
                        "/etc/" + name], check=True)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 53))
    log = open(os.path.join(folder, "questions"), "w", encoding="ascii")
    threading.Thread(target=serve, args=(sock, log), daemon=True).start()
    sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
