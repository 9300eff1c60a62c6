"""Voice notes made by the tests themselves, as phones record them: a tone in the containers of MediaRecorder."""

import array
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

RATE = 48_000
WEBM, OGG, MP4 = ("webm", "libopus"), ("ogg", "libopus"), ("mp4", "aac")
SECRET = {"title": "林阿伯家", "comment": "secret place", "artist": "vik"}


def tone(path: Path, kind: tuple[str, str] = WEBM, seconds: float = 2.0, channels: int = 1, **more: Any) -> bytes:
    """A 450 Hz tone in this (container, codec), with names and a place in its metadata."""
    layout = "mono" if channels == 1 else "stereo"
    with av.open(str(path), "w", format=kind[0], options=more.get("options", {})) as made:
        made.metadata.update(SECRET)
        stream = made.add_stream(kind[1], rate=RATE, layout=layout)
        for frame in frames(seconds, layout, channels, more.get("silent", False)):
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    return path.read_bytes()


def film(path: Path) -> bytes:
    """Half a second of grey picture with a tone under it, as a phone films."""
    with av.open(str(path), "w", format="mp4") as made:
        picture = made.add_stream("mpeg4", rate=10, width=64, height=64, pix_fmt="yuv420p")
        sound = made.add_stream("aac", rate=RATE, layout="mono")
        for n in range(5):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts, frame.time_base = n, Fraction(1, 10)
            made.mux(picture.encode(frame))
        for heard in frames(0.5, "mono", 1):
            made.mux(sound.encode(heard))
        made.mux(picture.encode(None))
        made.mux(sound.encode(None))
    return path.read_bytes()


def frames(seconds: float, layout: str, channels: int, silent: bool = False) -> Any:
    wave = array.array("f", (0.0 if silent else 0.3 * math.sin(math.tau * 450 * n / RATE) for n in range(960)))
    for start in range(0, int(seconds * RATE), 960):
        frame = av.AudioFrame("fltp", layout, 960)
        for plane in frame.planes:
            plane.update(wave.tobytes())
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        yield frame
