"""A file server on this machine that does everything that file servers do to a download."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT = bytes(hashlib.sha256(b"%d" % k).digest()[k % 32] for k in range(20_000))
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = CONTENT[::-1]


class Server:
    """`url("good")` and its like; `asked` has (path, Range header) of every request."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.seen: Counter[str] = Counter()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, *_: object) -> None: ...

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/{path}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.strip("/")
        self.asked.append((path, handler.headers.get("Range")))
        self.seen[path] += 1
        getattr(self, f"_{path.split('.')[0]}", self._missing)(handler)

    def _missing(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_error(404)

    def _send(self, handler, content, *, most=None, ranges=True, etag='"one"', kind="application/octet-stream") -> None:
        """The content from where it was asked for; `most` bytes of it, then the line goes dead."""
        start = 0
        asked = handler.headers.get("Range")
        same = handler.headers.get("If-Range") in (None, etag)
        if asked and ranges and same:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                handler.send_response(416)
                handler.send_header("Content-Range", f"bytes */{len(content)}")
                handler.send_header("Content-Length", "0")
                handler.end_headers()
                return
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            handler.send_response(200)
        handler.send_header("Content-Length", str(len(content) - start))
        handler.send_header("Content-Type", kind)
        if etag:
            handler.send_header("ETag", etag)
        handler.end_headers()
        handler.wfile.write(content[start : start + most] if most else content[start:])

    def _good(self, handler) -> None:
        self._send(handler, CONTENT)

    def _wrong(self, handler) -> None:
        self._send(handler, OTHER, etag='"two"')

    def _truncated(self, handler) -> None:
        """Gives 6000 bytes and dies, every time."""
        self._send(handler, CONTENT, most=6000)

    def _unranged(self, handler) -> None:
        """Knows no Range, and dies once."""
        self._send(handler, CONTENT, ranges=False, most=6000 if self.seen["unranged"] == 1 else None)

    def _slow(self, handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        for k in range(0, len(CONTENT), 4000):
            handler.wfile.write(CONTENT[k : k + 4000])
            handler.wfile.flush()
            time.sleep(0.02)

    def _dead(self, handler) -> None:
        """Hangs up without an answer."""
        handler.close_connection = True

    def _busy(self, handler) -> None:
        """503 twice, then the file."""
        if self.seen["busy"] < 3:
            handler.send_error(503)
        else:
            self._send(handler, CONTENT)

    def _page(self, handler) -> None:
        self._send(handler, b"<html>log in first</html>", kind="text/html; charset=utf-8")

    def _changed(self, handler) -> None:
        """Dies once; by the next request the file is another one."""
        if self.seen["changed"] == 1:
            self._send(handler, OTHER, most=6000, etag='"old"')
        else:
            self._send(handler, CONTENT, etag='"new"')

    def _shifted(self, handler) -> None:
        """Answers a Range with other bytes than asked for."""
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}")
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        handler.wfile.write(CONTENT)

    def _endless(self, handler) -> None:
        """Says nothing about the length and closes."""
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(CONTENT[:9000])

    def _chunked(self, handler) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.send_header("Connection", "close")
        handler.end_headers()
        for k in range(0, len(CONTENT), 7000):
            piece = CONTENT[k : k + 7000]
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\n\r\n")
        handler.close_connection = True

    def _away(self, handler) -> None:
        self._redirect(handler, self.url("good"))

    def _local(self, handler) -> None:
        self._redirect(handler, "file:///etc/hostname")

    def _redirect(self, handler, to: str) -> None:
        handler.send_response(302)
        handler.send_header("Location", to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
