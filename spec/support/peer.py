"""The scripted peer: a server that does exactly what a spec tells it.

Started by peer.lua, which is the only one to talk to it: over one TCP
connection, in frames of "<length>\n<bencoded value>". When that connection
or the standard input ends, the process ends. Numbers may have a fraction ("i0.25e"). Only Python's
standard library is used.
"""

import os
import socket
import ssl
import struct
import sys
import threading
import time

CRLF2 = b"\r\n\r\n"


# ------------------------------------------------------------------ bencode

def encode(value):
    if isinstance(value, bool):
        value = int(value)
    if isinstance(value, (int, float)):
        return b"i%se" % repr(value).encode()
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, dict):
        pairs = (encode(k) + encode(v) for k, v in value.items())
        return b"d" + b"".join(pairs) + b"e"
    return b"l" + b"".join(encode(v) for v in value) + b"e"


def decode(data, at=0):
    kind = data[at:at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        # An exponent has an e of its own, but only a fraction has one.
        text = data[at + 1:end].decode()
        return (float(text) if "." in text else int(text)), end + 1
    if kind == b"l" or kind == b"d":
        items, at = [], at + 1
        while data[at:at + 1] != b"e":
            item, at = decode(data, at)
            items.append(item)
        if kind == b"l":
            return items, at + 1
        keys = (key.decode() for key in items[::2])
        return dict(zip(keys, items[1::2])), at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1:end], end


# --------------------------------------------------------------- connection

def client_address(sock):
    try:
        name = sock.getpeername()
    except OSError:
        return ""
    return name[0] if isinstance(name, tuple) else ""


class Ended(Exception):
    """The client is gone, or the server is being closed."""


class Connection:
    """One accepted connection: runs its script in a thread of its own."""

    def __init__(self, server, sock):
        self.server = server
        self.sock = sock
        self.client = client_address(sock)
        self.buffer = b""      # received, not consumed
        self.received = []     # everything, for the spec
        self.sni = ""
        self.error = ""
        self.done = threading.Event()
        self.head = b""
        self.open = True

    # Bytes in.

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise Ended("end of stream")
        self.received.append(data)
        self.buffer += data

    def take(self, n):
        while len(self.buffer) < n:
            self.fill()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def take_until(self, mark):
        searched = 0
        while True:
            at = self.buffer.find(mark, searched)
            if at >= 0:
                return self.take(at + len(mark))
            searched = max(0, len(self.buffer) - len(mark) + 1)
            self.fill()

    def field(self, name):
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.strip().lower() == name:
                return value.strip()
        return b""

    def take_body(self):
        """The body of the request whose head was read last, decoded."""
        if b"chunked" in self.field(b"transfer-encoding").lower():
            body = b""
            while True:
                size = int(self.take_until(b"\r\n").split(b";")[0], 16)
                if size == 0:
                    break
                body += self.take(size)
                self.take(2)
            while self.take_until(b"\r\n") != b"\r\n":
                pass
            return body
        return self.take(int(self.field(b"content-length") or 0))

    def send(self, data):
        self.sock.sendall(data)

    # Steps of a script; each is named by the first element of its list.

    def step_recv_head(self):
        self.head = self.take_until(CRLF2)

    def step_recv_body(self, n=None):
        if n is None:
            self.take_body()
        else:
            self.take(n)

    def step_recv_until(self, mark):
        self.take_until(mark)

    def step_recv_eof(self):
        try:
            while True:
                self.fill()
                self.buffer = b""
        except (Ended, ConnectionError):
            pass

    def step_send(self, data):
        self.send(data)

    def step_send_repeat(self, data, count):
        block = data * max(1, 65536 // max(1, len(data)))
        left = len(data) * count
        while left > 0:
            self.send(block[:left])
            left -= min(left, len(block))

    def step_send_slowly(self, data, n, delay):
        for at in range(0, len(data), n):
            if at:
                self.step_stall(delay)
            self.send(data[at:at + n])

    def step_drip(self, data, delay):
        self.step_send_slowly(data, 1, delay)

    def step_stall(self, seconds=None):
        if self.server.closing.wait(seconds):
            raise Ended("server closed")

    def step_wait(self):
        self.server.go.acquire()
        self.step_stall(0)

    def step_loop(self, count, steps):
        while count != 0:
            self.run_steps(steps)
            count -= 1

    def step_close(self):
        """A clean end: close_notify, FIN; what has come is read, so that the
        kernel sends no reset."""
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock.settimeout(0.01)
            try:
                self.sock = self.sock.unwrap()
            except (OSError, ValueError):
                pass
        self.step_cut()

    def step_cut(self):
        """FIN without close_notify."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
            self.sock.settimeout(0)
            while len(self.sock.recv(65536)) > 0:
                pass
        except (OSError, ValueError):
            pass
        self.end()

    def step_reset(self):
        linger = struct.pack("ii", 1, 0)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.end()

    def step_shutdown_write(self):
        self.sock.shutdown(socket.SHUT_WR)

    def step_start_tls(self, options):
        context = tls_context(options, self)
        self.sock = context.wrap_socket(self.sock, server_side=True,
                                        do_handshake_on_connect=False)
        try:
            self.sock.do_handshake()
        except ssl.SSLError:
            self.turn_away(options.get("rude"))
            raise

    def step_keepalive(self, body=b"", fields=b""):
        """Answers any number of GETs with one body."""
        answer = (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s"
                  % (len(body), fields, body))
        while True:
            while CRLF2 not in self.buffer:
                self.buffer += self.sock.recv(65536) or self.gone()
            count = self.buffer.count(CRLF2)
            self.buffer = self.buffer[self.buffer.rindex(CRLF2) + 4:]
            self.send(answer * count)

    def gone(self):
        raise Ended("end of stream")

    def step_echo(self):
        """Answers any number of requests, each with its own text: the head as
        it came, then the body with the chunking removed."""
        while True:
            self.step_recv_head()
            if self.field(b"expect").lower() == b"100-continue":
                self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            text = self.head + self.take_body()
            only_head = self.head.startswith(b"HEAD ")
            self.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                      b"Content-Length: %d\r\n\r\n%s"
                      % (len(text), b"" if only_head else text))
            if self.field(b"connection").lower() == b"close":
                return

    # Life.

    def run_steps(self, steps):
        for step in steps:
            if not self.open:
                return
            name = step[0].decode()
            getattr(self, "step_" + name)(*step[1:])

    def run(self, steps):
        try:
            if self.server.tls:
                self.step_start_tls(self.server.tls)
            self.run_steps(steps)
            if self.open:
                self.step_close()
        except Ended as ended:
            self.error = str(ended)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            self.error = "%s: %s" % (type(error).__name__, error)
        finally:
            self.end()
            self.done.set()
            self.server.changed()

    def turn_away(self, how):
        """Ends a refused client's connection, its alert being sent: rudely by
        a reset, or by a close, which is one too when there are unread data."""
        if how == b"reset":
            self.step_reset()
        elif not how:
            self.end_after_alert()

    def end_after_alert(self):
        """Lets a refused client write on while it reads why."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
            self.sock.settimeout(2)
            while self.sock.recv(65536):
                pass
        except (OSError, ValueError):
            pass

    def end(self):
        if self.open:
            self.open = False
            try:
                self.sock.close()
            except OSError:
                pass

    def kick(self):
        """From another thread: whatever the script waits for ends."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except (OSError, ValueError):
            pass


VERSIONS = {
    b"1.0": ssl.TLSVersion.TLSv1,
    b"1.1": ssl.TLSVersion.TLSv1_1,
    b"1.2": ssl.TLSVersion.TLSv1_2,
    b"1.3": ssl.TLSVersion.TLSv1_3,
}


def tls_context(options, connection):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    version = VERSIONS.get(options.get("version"))
    if version:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = version
        context.maximum_version = version
    context.load_cert_chain(options["cert"].decode(), options["key"].decode())
    if "client_ca" in options:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(options["client_ca"].decode())
    if "alpn" in options:
        context.set_alpn_protocols([p.decode() for p in options["alpn"]])

    def note_name(_, name, __):
        connection.sni = name or ""

    context.sni_callback = note_name
    return context


# ------------------------------------------------------------------- server

class Server:
    """A listener; its n-th connection runs the n-th script, later ones the
    last."""

    def __init__(self, options):
        self.scripts = options["connections"]
        self.tls = options.get("tls")
        self.connections = []
        self.closing = threading.Event()
        self.go = threading.Semaphore(0)
        self.news = threading.Condition()
        if "path" in options:
            self.listen_at_path(options["path"])
        else:
            self.listen_at_port(options)
        self.listener.listen(128)
        threading.Thread(target=self.accept, daemon=True).start()

    def listen_at_path(self, path):
        """A Unix-domain socket; a leading @ is a name without a file."""
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(b"\0" + path[1:] if path[:1] == b"@" else path)
        self.port = 0

    def listen_at_port(self, options):
        family = socket.AF_INET6 if options.get("v6") else socket.AF_INET
        host = "::1" if options.get("v6") else "127.0.0.1"
        host = options.get("host", host.encode()).decode()
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if "rcvbuf" in options:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                     options["rcvbuf"])
        self.listener.bind((host, options.get("port", 0)))
        self.port = self.listener.getsockname()[1]

    def accept(self):
        while not self.closing.is_set():
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, sock)
            script = self.scripts[min(len(self.connections),
                                      len(self.scripts) - 1)]
            self.connections.append(connection)
            threading.Thread(target=connection.run, args=(script,),
                             daemon=True).start()
            self.changed()

    def changed(self):
        with self.news:
            self.news.notify_all()

    def wait_done(self, count, seconds):
        def enough():
            return sum(c.done.is_set() for c in self.connections) >= count
        with self.news:
            return self.news.wait_for(enough, seconds)

    def wait_accepted(self, count, seconds):
        with self.news:
            return self.news.wait_for(
                lambda: len(self.connections) >= count, seconds)

    def close(self):
        self.closing.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for connection in list(self.connections):
            self.go.release()
            connection.kick()


def blackhole():
    """A listener whose backlog is full: further connects get no answer."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    held = [listener]
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        held.append(filler)
    time.sleep(0.01)
    return held, listener.getsockname()[1]


def closed_port():
    """A port that refuses: bound, so that nobody else gets it, not listening."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return [sock], sock.getsockname()[1]


# ------------------------------------------------------------------ control

class Control:
    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.sock.makefile("rb")
        self.servers = {}
        self.held = []

    def do_serve(self, message):
        server = Server(message)
        number = len(self.servers) + 1
        self.servers[number] = server
        return {"id": number, "port": server.port}

    def server(self, message):
        return self.servers[message["id"]]

    def do_received(self, message):
        connections = self.server(message).connections
        return [b"".join(c.received) for c in list(connections)]

    def do_accepted(self, message):
        return len(self.server(message).connections)

    def do_sni(self, message):
        return [c.sni for c in list(self.server(message).connections)]

    def do_clients(self, message):
        return [c.client for c in list(self.server(message).connections)]

    def do_errors(self, message):
        return [c.error for c in list(self.server(message).connections)]

    def do_wait_done(self, message):
        return self.server(message).wait_done(message["count"],
                                              message["seconds"])

    def do_wait_accepted(self, message):
        return self.server(message).wait_accepted(message["count"],
                                                  message["seconds"])

    def do_go(self, message):
        self.server(message).go.release()
        return 1

    def do_close(self, message):
        server = self.servers[message["id"]]
        server.close()
        return len(server.connections)

    def do_blackhole(self, _):
        held, port = blackhole()
        self.held += held
        return port

    def do_closed_port(self, _):
        held, port = closed_port()
        self.held += held
        return port

    def do_pid(self, _):
        return os.getpid()

    def do_quit(self, _):
        os._exit(0)

    def answer(self, message):
        try:
            result = getattr(self, "do_" + message["do"].decode())(message)
            return {"ok": result}
        except Exception as error:  # told to the spec, which fails
            return {"error": "%s: %s" % (type(error).__name__, error)}

    def run(self):
        while True:
            line = self.stream.readline()
            if not line:
                return
            message, _ = decode(self.stream.read(int(line)))
            reply = encode(self.answer(message))
            self.sock.sendall(b"%d\n%s" % (len(reply), reply))


def end_with_input():
    while os.read(0, 4096):
        pass
    os._exit(0)


def main():
    sys.setswitchinterval(0.0005)
    threading.Thread(target=end_with_input, daemon=True).start()
    try:
        control = Control(int(sys.argv[1]))
        control.run()
    except (OSError, ValueError):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
