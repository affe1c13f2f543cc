"""Is a media file all there? Read from the sizes that a container writes at its start, without decoding.

FFmpeg plays what is left of a file that was cut off and reports a normal end. The outer structure of each format
says how long the file was meant to be: MP4 boxes (ISO/IEC 14496-12, 4.2), the EBML Segment of Matroska and WebM
(RFC 8794, RFC 9559), the RIFF chunk of AVI, the trailer byte of GIF (GIF89a, 27).
"""

from __future__ import annotations

import typing as t

_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_MP4_PAYLOAD = (b"mdat", b"moov", b"moof")


def is_cut_off(file: t.BinaryIO, size: int) -> bool:
    """True if the container promises more bytes than the file has.

    Args:
        file: opened for reading; its position is moved.
        size: length of the file in bytes.
    """
    file.seek(0)
    head = file.read(64)
    if head[:4] == _EBML:
        return _matroska_end(head) > size
    if head[:4] == b"RIFF":
        return int.from_bytes(head[4:8], "little") + 8 > size
    if head[:3] == b"GIF":
        file.seek(max(0, size - 64))
        return not file.read(64).rstrip(b"\0").endswith(b"\x3b")
    if head[4:8] in (b"ftyp", b"wide", b"free", *_MP4_PAYLOAD):
        return _mp4_end(file, size) > size
    return False


def _vint(data: bytes, at: int) -> tuple[int | None, int]:
    """An EBML size at `at`: (value, or None where it is unknown; position after it)."""
    if at >= len(data) or data[at] == 0:
        return None, len(data)
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length], "big") & ((1 << 7 * length) - 1)
    return (None if value == (1 << 7 * length) - 1 else value), at + length


def _matroska_end(head: bytes) -> int:
    header, at = _vint(head, 4)
    if header is None:
        return 0
    at += header
    if head[at : at + 4] != _SEGMENT:
        return 0
    segment, at = _vint(head, at + 4)
    return 0 if segment is None else at + segment


def _mp4_end(file: t.BinaryIO, size: int) -> int:
    """Where the box ends that reaches past the file, else `size`. Only boxes that hold media or its index count."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1 and len(head) == 16:
            length = int.from_bytes(head[8:], "big")
        if length == 0:  # "to the end of the file"
            return size
        if length < 8:  # not a box: padding or rubbish after the last one
            return size
        if at + length > size:
            return at + length if kind in _MP4_PAYLOAD else size
        at += length
    return size
