"""`python -m tests.nvrtc LIBRARY CAPABILITY...`: compile the closing's kernels, and print the size of each binary."""

from __future__ import annotations

import ctypes
import sys

from runtime.closing import SOURCE


def main(library: str, *capabilities: str) -> None:
    """AssertionError with the compiler's log where it has anything to say."""
    nvrtc = ctypes.CDLL(library)
    for capability in capabilities:
        program = ctypes.c_void_p()
        source = ctypes.c_char_p(SOURCE.read_bytes())
        assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), source, b"closing.cu", 0, None, None) == 0
        options = [b"-std=c++14", f"--gpu-architecture=sm_{capability}".encode()]
        failed = nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
        size = ctypes.c_size_t()
        nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value)
        nvrtc.nvrtcGetProgramLog(program, log)
        assert not failed, log.value.decode()
        assert not log.value.strip(), log.value.decode()  # nor any warning
        assert nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size)) == 0
        print(size.value)


if __name__ == "__main__":
    main(*sys.argv[1:])
