"""Download a file of some gigabytes and measure the memory that it takes.

python -m benchmarks.download --gigabytes 2
"""

import argparse
import json
import resource
import struct
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

#: What the measured process may grow by. Bytes.
TARGET = 20 * 2**20
PIECE = bytes(range(256)) * 4096


class VideoHandler(BaseHTTPRequestHandler):
    """Serves ``/SIZE``: an MP4 of so many bytes, made while it is sent."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        size = int(self.path.strip("/"))
        head = _box(b"ftyp", b"isom\0\0\0\1isom") + _box(b"moov", bytes(64))
        left = size - len(head)
        self.send_response(200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(head + struct.pack(">I4sQ", 1, b"mdat", left))
        left -= 16
        while left:
            self.wfile.write(PIECE[: min(left, len(PIECE))])
            left -= min(left, len(PIECE))

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def measure(url: str, size: int) -> dict[str, float]:
    """Runs in a process of its own: a small download first, so that only the large one's growth counts."""
    from seedance.media.container import check_video
    from seedance.provider.download import download

    def fetch(length: int) -> None:
        with download(f"{url}/{length}", max_bytes=size, seconds=3600, provider_url=url) as video:
            check_video(video.file, video.bytes)  # type: ignore[arg-type]
            assert video.bytes == length

    fetch(2**20)
    before = peak_memory()
    started = time.monotonic()
    fetch(size)
    return {"seconds": time.monotonic() - started, "growth": peak_memory() - before}


def peak_memory() -> int:
    """The most memory this process ever had. Bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage also tells what the process had before it became this program
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> int:
    """Run it; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--measure", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    size = int(options.gigabytes * 10**9)
    if options.measure:
        print(json.dumps(measure(options.measure, size)))
        return 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), VideoHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    arguments = ["--gigabytes", str(options.gigabytes), "--measure", f"http://127.0.0.1:{server.server_port}"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.download", *arguments],
        cwd=Path(__file__).resolve().parent.parent,
        check=True,
        capture_output=True,
        text=True,
    )
    from .site import print_table

    found = json.loads(done.stdout)

    speed = size / 1e6 / found["seconds"]
    rows = [(f"{size / 1e9:.1f} GB", f"{found['growth'] / 1e6:.1f} MB", f"{speed:.0f} MB/s")]
    print_table(("file", "growth of the process", "speed"), rows)
    return 0 if found["growth"] <= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
