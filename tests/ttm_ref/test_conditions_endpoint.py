"""An OpenAI-compatible endpoint, played by a local server: what it is sent, and every way in which it can fail."""

from __future__ import annotations

import json
import threading
import time
import typing as t
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from motionbench.errors import ConfigError, ModelError
from motionbench.types import Object
from ttm_ref.conditions.endpoint import EndpointParser

GOOD = {"motion_prompt": "The dog runs.", "objects": [{"name": "dog", "prompt": "The brown dog runs."}]}
KEY = "sk-very-secret-0123456789"
Reply = Callable[[BaseHTTPRequestHandler], None]


class Server(ThreadingHTTPServer):
    """Answers with `reply`; keeps what it got."""

    daemon_threads = True
    reply: Reply
    got: list[tuple[str, dict[str, str], t.Any]]

    def handle_error(self, request: t.Any, client_address: t.Any) -> None:
        """A client that has hung up is no news."""


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = t.cast(Server, self.server)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.got.append((self.path, dict(self.headers), body))
        server.reply(self)

    def do_GET(self) -> None:
        t.cast(Server, self.server).got.append((self.path, dict(self.headers), None))
        _send(200, "{}")(self)

    def log_message(self, *args: t.Any) -> None:
        pass


def _send(code: int, text: str, **headers: str) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(text.encode())))
        handler.end_headers()
        handler.wfile.write(text.encode())

    return reply


def _said(text: str) -> str:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]})


@contextmanager
def _serving(reply: Reply) -> Iterator[tuple[str, Server]]:
    server = Server(("127.0.0.1", 0), Handler)
    server.reply, server.got = reply, []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_an_endpoint_is_asked_as_openai_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_KEY", f"{KEY}\n")
    with _serving(_send(200, _said(json.dumps(GOOD)))) as (base, server):
        parser = EndpointParser(f"{base}/", "toy-1", key_variable="TOY_KEY")
        assert parser("A brown dog runs.").objects == (Object(1, "dog", "The brown dog runs."),)
    path, headers, body = server.got[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert body["model"] == "toy-1" and body["temperature"] == 0
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert KEY not in repr(vars(parser))


def test_an_endpoint_without_a_key_gets_none() -> None:
    with _serving(_send(200, _said(json.dumps(GOOD)))) as (base, server):
        EndpointParser(base, "toy")("A dog runs.")
    assert "Authorization" not in server.got[0][1]


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        (_send(401, f"wrong key {KEY}"), ConfigError, r"refused access \(401\)"),
        (_send(404, "no such model"), ConfigError, r"knows no 'toy'"),
        (_send(429, "slow down"), ModelError, r"failed \(429\)"),
        (_send(500, f"oops {KEY}"), ModelError, r"failed \(500\)"),
        (_send(200, "<html>"), ModelError, "no chat completion"),
        (_send(200, '{"choices": []}'), ModelError, "no chat completion"),
        (_send(200, '{"choices": [{"message": {"content": null}}]}'), ModelError, "no text"),
        (_send(200, _said("Sure!")), ModelError, "in two attempts"),
        (_send(200, "x" * (2 << 20)), ModelError, "more than"),
    ],
)
def test_faults_of_an_endpoint_are_one_line(
    reply: Reply, error: type[Exception], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_KEY", KEY)
    with _serving(reply) as (base, _), pytest.raises(error, match=message) as caught:
        EndpointParser(base, "toy", key_variable="TOY_KEY", timeout=10)("A dog runs.")
    for chained in (caught.value, caught.value.__cause__):
        assert KEY not in repr(chained) and "\n" not in str(chained)


def test_the_key_follows_no_redirect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_KEY", KEY)
    with _serving(_send(200, "{}")) as (other, elsewhere):
        for code in (301, 302, 303, 307, 308):
            with (
                _serving(_send(code, "", Location=f"{other}/x")) as (base, _),
                pytest.raises(ConfigError, match="redirects"),
            ):
                EndpointParser(base, "toy", key_variable="TOY_KEY")("A dog runs.")
    assert elsewhere.got == []


def test_a_silent_and_a_dripping_server_run_out_of_time() -> None:
    def silent(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(20)

    def dripping(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(400):
            handler.wfile.write(b" ")
            time.sleep(0.05)

    for reply in (silent, dripping):
        start = time.perf_counter()
        with _serving(reply) as (base, _), pytest.raises(ModelError, match=r"within 0\.3 s"):
            try:
                EndpointParser(base, "toy", timeout=0.3)("A dog runs.")
            finally:
                assert time.perf_counter() - start < 10


def test_a_server_that_hangs_up_or_is_not_there() -> None:
    def hang_up(handler: BaseHTTPRequestHandler) -> None:
        handler.connection.close()

    with _serving(hang_up) as (base, _), pytest.raises(ModelError, match=r"broke|cannot be reached"):
        EndpointParser(base, "toy", timeout=5)("A dog runs.")
    with pytest.raises(ModelError, match="cannot be reached"):  # the server is gone by now
        EndpointParser(base, "toy", timeout=5)("A dog runs.")


def test_an_answer_that_breaks_off() -> None:
    def broken(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"choices"')

    with _serving(broken) as (base, _), pytest.raises(ModelError, match=r"no chat completion|broke"):
        EndpointParser(base, "toy", timeout=5)("A dog runs.")


@pytest.mark.parametrize(
    "base",
    ["", "localhost:8000/v1", "file:///etc/passwd", "ftp://host/v1", "http://", "http://[::1", "http://host:99999/v1",
     "http://host /v1", "http://host/v1\nX: y", "http://host/v1?key=abc"],
)  # fmt: skip
def test_only_plain_http_addresses(base: str) -> None:
    with pytest.raises(ConfigError):
        EndpointParser(base, "toy")


def test_bad_settings_of_an_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="name or password") as caught:
        EndpointParser(f"https://me:{KEY}@host/v1", "toy")
    assert KEY not in str(caught.value)
    monkeypatch.delenv("TOY_KEY", raising=False)
    with pytest.raises(ConfigError, match="TOY_KEY is empty"):
        EndpointParser("https://host/v1", "toy", key_variable="TOY_KEY")
    monkeypatch.setenv("TOY_KEY", f"{KEY}\r\nX-Other: 1")
    with pytest.raises(ConfigError, match="holds no key") as caught:
        EndpointParser("https://host/v1", "toy", key_variable="TOY_KEY")
    assert KEY not in str(caught.value)
    for model, timeout in (("", 1.0), ("toy", 0.0), ("toy", float("nan"))):
        with pytest.raises(ConfigError):
            EndpointParser("https://host/v1", model, timeout=timeout)
