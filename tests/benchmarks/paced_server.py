"""A Chat Completions server for benchmarks: a Markdown answer, at once or at a pace.

    python paced_server.py CHARACTERS TOKENS_A_SECOND      0: as fast as the client reads

A token is four characters; the last word is LAST_WORD. It prints its address, and a line with the
time of `perf_counter` whenever it has sent the last byte of an answer; it serves until it is
terminated.
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from documents import answer

TOKEN = 4
LAST_WORD = "omega"


def event(text: str, finish: str | None = None) -> bytes:
    """An event of the stream, in the form in which OpenAI sends it."""
    delta = {"content": text} if text else {}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return f"data: {json.dumps({**head, 'choices': [choice]}, separators=(',', ':'))}\n\n".encode()


class Handler(BaseHTTPRequestHandler):
    """Answers every request alike."""

    protocol_version = "HTTP/1.1"
    events: tuple[bytes, ...] = ()
    pace = 0.0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(sum(map(len, self.events))))
        self.end_headers()
        try:
            self._send()
            print(time.perf_counter(), flush=True)
        except ConnectionError:  # whoever asked has seen enough
            self.close_connection = True

    def _send(self) -> None:
        if not self.pace:
            self.wfile.write(b"".join(self.events))
            return
        began = time.perf_counter()
        for number, each in enumerate(self.events):
            wait = began + number / self.pace - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
            self.wfile.write(each)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    text = f"{answer(int(sys.argv[1]))}\n\n{LAST_WORD}"
    tokens = (text[start : start + TOKEN] for start in range(0, len(text), TOKEN))
    Handler.events = (*map(event, tokens), event("", "stop"), b"data: [DONE]\n\n")
    Handler.pace = float(sys.argv[2])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
