"""Small real films, for tests that read them."""

import io
from collections.abc import Sequence

import av
from PIL import Image


def film(
    colours: Sequence[str], *, size: tuple[int, int] = (640, 360), kind: str = "mp4", key_frames: int = 12
) -> bytes:
    """A film that shows each colour for one picture, with a key frame every so many pictures."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind) as container:
        stream = container.add_stream("libx264", rate=24, options={"g": str(key_frames)})
        (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
        for colour in colours:
            container.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", size, colour))))
        container.mux(stream.encode())
    return buffer.getvalue()
