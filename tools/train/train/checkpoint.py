"""Read a TensorFlow checkpoint (tensor bundle) without TensorFlow.

The `.index` file is an uncompressed LevelDB table of name -> BundleEntryProto;
`.data-00000-of-00001` holds the raw little-endian tensors.
"""

import struct
from pathlib import Path

import numpy as np

FLOAT32 = 1


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def _table_block(data: bytes, offset: int, size: int) -> list[tuple[bytes, bytes]]:
    if data[offset + size] != 0:
        raise ValueError("a compressed block: not supported")
    block = data[offset : offset + size]
    restarts = struct.unpack("<I", block[-4:])[0]
    end, at, key, out = len(block) - 4 - 4 * restarts, 0, b"", []
    while at < end:
        shared, at = _varint(block, at)
        fresh, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + fresh]
        at += fresh
        out.append((key, block[at : at + length]))
        at += length
    return out


def _message(data: bytes) -> dict[int, list]:
    """Fields of a protocol buffer message by number, undecoded."""
    at, fields = 0, {}
    while at < len(data):
        tag, at = _varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = _varint(data, at)
        else:
            length = {1: 8, 5: 4}.get(wire)
            if length is None:
                length, at = _varint(data, at)
            value = data[at : at + length]
            at += length
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def load(prefix: Path) -> dict[str, np.ndarray]:
    """All float32 tensors but the optimiser's. `prefix` is e.g. `MTT_musicnn/`
    (musicnn's files are called `.index` and `.data-00000-of-00001`)."""
    index = Path(f"{prefix}.index").read_bytes()
    data = Path(f"{prefix}.data-00000-of-00001").read_bytes()
    footer, at = index[-48:], 0
    for _ in range(2):  # the meta index, not needed
        _, at = _varint(footer, at)
    offset, at = _varint(footer, at)
    size, at = _varint(footer, at)
    tensors = {}
    for _, handle in _table_block(index, offset, size):
        first, at = _varint(handle, 0)
        length, _ = _varint(handle, at)
        for key, value in _table_block(index, first, length):
            if not key or b"Adam" in key:
                continue
            entry = _message(value)
            if entry[1][0] != FLOAT32:
                continue
            shape = [_message(d).get(1, [0])[0] for d in _message(entry[2][0]).get(2, [])] if 2 in entry else []
            start, count = entry.get(4, [0])[0], entry[5][0]
            tensors[key.decode()] = np.frombuffer(data[start : start + count], "<f4").reshape(shape)
    return tensors
