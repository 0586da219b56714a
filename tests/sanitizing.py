"""What a process needs so that its kernels are built for gcc's sanitizers.

    python -m tests.sanitizing CACHE tests/codegen/test_gemm.py

runs pytest so, with the C that it makes in the folder CACHE.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from codegen.toolchain import SANITIZE, find_toolchain


def environment(cache: Path) -> dict[str, str]:
    """Variables of the environment: the compiler itself runs without the sanitizers."""
    compiler = find_toolchain().command
    asked = [*compiler, "-print-file-name=libasan.so"]
    library = subprocess.run(asked, capture_output=True, text=True, check=True)
    return {
        "LD_PRELOAD": library.stdout.strip(),
        "ASAN_OPTIONS": "detect_leaks=0",
        "SYMGRAPH_CC": shlex.join(["env", "-u", "LD_PRELOAD", *compiler]),
        "SYMGRAPH_CFLAGS": " ".join(SANITIZE),
        "SYMGRAPH_CACHE": str(cache),
    }


if __name__ == "__main__":
    folder, *arguments = sys.argv[1:]
    variables = {**os.environ, **environment(Path(folder))}
    command = [sys.executable, "-m", "pytest", *arguments]
    os.execve(sys.executable, command, variables)
