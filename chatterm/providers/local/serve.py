"""The process that runs a model: a server on loopback that ends when whoever started it does.

    python -m chatterm.providers.local.serve WEIGHTS TEMPLATE THREADS

A key is read from the first line of standard input; the address is the only line written to
standard output. When standard input ends, so does the server.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

CONTEXT = 8192


def serve(weights: str, template: str, threads: int, key: str) -> None:
    """Run the engine until standard input ends.

    Args:
        weights: The file of the model's weights.
        template: The file of its chat template.
        threads: How many processors it may use.
        key: What a request has to show.
    """
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = weights
    params.model_alias = {Path(weights).stem}
    params.chat_template = Path(template).read_text("utf-8")
    params.use_jinja = True
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [key]
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.warmup = False
    params.ui = False
    server = xllamacpp.Server(params)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    while os.read(0, 4096):
        pass
    os._exit(0)  # nothing is kept, and what runs needn't be waited for


if __name__ == "__main__":
    _weights, _template, _threads = sys.argv[1:]
    serve(_weights, _template, int(_threads), sys.stdin.readline().strip())
