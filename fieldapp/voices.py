"""Voice notes for every browser: AAC in an .m4a that holds nothing but the voice.

Only the photo worker may import this: it decodes what strangers send, held in its memory and its time.
"""

import errno
import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO

import av
from av.audio.frame import AudioFrame
from av.container import InputContainer

from fieldapp.filetypes import BadFile, sniff_sound

DEMUXERS = {"audio/webm": "matroska", "audio/ogg": "ogg", "audio/mp4": "mov", "audio/wav": "wav"}
DECODERS = ("opus", "vorbis", "aac", "mp3float", "mp3", "flac", "alac", "amrnb", "amrwb", "pcm_s16le", "pcm_u8")
LONGEST_S = 300  # the app records a minute; encoding five must leave room in the worker's time limit
SHORTEST_S = 0.05
SLOWEST, FASTEST = 8_000, 192_000  # Hz, of what comes
RATE = 24_000  # Hz, one channel
BITS_PER_SECOND = 32_000
MACHINES_FAULT = {errno.ENOSPC: OSError, errno.EDQUOT: OSError, errno.EROFS: OSError, errno.ENOMEM: MemoryError}
PLAIN = {"movflags": "+faststart", "fflags": "+bitexact"}  # plays before it is all here
NAMELESS = {"flags": "+bitexact"}  # the encoder leaves its own name out


def render(source: Path, scratch: Path) -> bytes:
    """The note as AAC-LC, one channel, 32 kbit/s, without any of the file's other data.

    `scratch` names a file that this makes and removes. Raises BadFile: "unreadable", or "too_long_sound" beyond
    five minutes. What is damaged in the middle is left out, while more is sound than not.
    """
    kind, content = sniff_sound(source).media_type, io.BytesIO(source.read_bytes())
    try:
        _encode(content, DEMUXERS[kind], scratch)
        return scratch.read_bytes()
    except (BadFile, MemoryError):
        raise
    except Exception as error:  # a decoder may fail in any way on a hostile file; all of them mean "not played"
        if isinstance(error, OSError) and error.errno in MACHINES_FAULT:
            raise MACHINES_FAULT[error.errno](error.errno, error.strerror) from error
        raise BadFile("unreadable") from error
    finally:
        scratch.unlink(missing_ok=True)


def _encode(content: IO[bytes], demuxer: str, scratch: Path) -> None:
    written = 0
    with _opened(content, demuxer) as recording, av.open(str(scratch), "w", format="ipod", options=PLAIN) as copy:
        stream = copy.add_stream("aac", rate=RATE, layout="mono", bit_rate=BITS_PER_SECOND, options=NAMELESS)
        for frame in _resampled(recording):
            frame.pts, frame.time_base = written, Fraction(1, RATE)
            written += frame.samples
            if written > LONGEST_S * RATE:
                raise BadFile("too_long_sound")
            copy.mux(stream.encode(frame))
        if written < SHORTEST_S * RATE:
            raise BadFile("unreadable")
        copy.mux(stream.encode(None))


def _opened(content: IO[bytes], demuxer: str) -> InputContainer:
    """The recording, read only as what its first bytes say it is, and never as a list of other files to open."""
    allowed = {"codec_whitelist": ",".join(DECODERS), "protocol_whitelist": "none", "max_streams": "8"}
    recording = av.open(content, "r", format=demuxer, container_options=allowed, metadata_errors="replace")
    if recording.streams.video or len(recording.streams.audio) != 1:
        recording.close()
        raise BadFile("unreadable")  # a film is not taken for a voice: nobody would see what is in it
    return recording


def _resampled(recording: InputContainer) -> Iterator[AudioFrame]:
    to_ours = av.AudioResampler(format="fltp", layout="mono", rate=RATE)
    for frame in _decoded(recording):
        if not SLOWEST <= frame.sample_rate <= FASTEST:
            raise BadFile("unreadable")  # a few bytes of it could be hours
        frame.pts = None  # how the phone counted does not matter, and may jump
        yield from to_ours.resample(frame)
    yield from to_ours.resample(None)


def _decoded(recording: InputContainer) -> Iterator[AudioFrame]:
    stream, bad, good = recording.streams.audio[0], 0, 0
    for packet in recording.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            bad += 1
            continue
        good += len(frames)
        yield from (frame for frame in frames if isinstance(frame, AudioFrame))
    if bad > good:
        raise BadFile("unreadable")
