"""Raw HTTP on a socket, by hand: a selector, and no more of the standard than the benches' clients speak."""

import json
import selectors
import socket
import sys


def main(port: int) -> None:
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", port))
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            if sock is listener:
                accepted, _ = listener.accept()
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(accepted, selectors.EVENT_READ, bytearray())
            elif not answer(sock, key.data):
                selector.unregister(sock)
                sock.close()


def answer(sock: socket.socket, received: bytearray) -> bool:
    """False: the client has left."""
    data = sock.recv(65536)
    received += data
    head, end, body = received.partition(b"\r\n\r\n")
    if end and len(body) >= int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]):
        received.clear()
        text = json.dumps({"text": json.loads(body)["text"].upper()}).encode()
        start = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text)
        sock.sendall(start + text)
    return bool(data)


if __name__ == "__main__":
    main(int(sys.argv[1]))
