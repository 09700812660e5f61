"""Templates that were compiled once stay compiled for the next application of the process.

One is built for every change of plugins, and for every test.
"""

from __future__ import annotations

from typing import Final

from jinja2.bccache import Bucket, BytecodeCache

__all__ = ["COMPILED"]


class _Compiled(BytecodeCache):
    """Code by template; code of another source is refused by the bucket itself."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        code = self._code.get(bucket.key)
        if code is not None:
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


COMPILED: Final[BytecodeCache] = _Compiled()
