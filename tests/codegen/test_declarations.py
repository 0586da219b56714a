"""What Python knows of the C's structs without a parser is what is declared."""

from __future__ import annotations

import re
from pathlib import Path

import codegen
from codegen.declarations import FILE, TEXT, write
from codegen.declared import ffi
from codegen.python_table import NAMES

INCLUDE = Path(codegen.__file__).parent / "include"


def test_the_written_file_is_current(tmp_path):
    write(tmp_path / "declared.py")
    assert FILE.read_text() == (tmp_path / "declared.py").read_text()


def test_the_functions_of_python_are_those_of_its_table():
    fields = [name for name, _ in ffi.typeof("sg_python").fields]
    assert fields == [*NAMES, "empty", "none", "truth"]


def test_the_structs_are_those_of_the_headers():
    """The same fields in the same order, whatever their types are called there."""
    headers = "\n".join(path.read_text() for path in sorted(INCLUDE.glob("*.h")))
    compared = 0
    for name in re.findall(r"\} (sg_\w+);", TEXT):
        found = re.search(rf"typedef struct (?:\w+ )?\{{([^}}]*)\}} {name};", headers)
        if found is not None:
            body = re.sub(r"/\*.*?\*/", "", found[1], flags=re.DOTALL)
            body = re.sub(r"\)\([^;]*\)", "", body)  # the parameters of functions
            there = re.findall(r"(\w+)\s*(?=[,;])", body)
            assert there == [field for field, _ in ffi.typeof(name).fields], name
            compared += 1
    assert compared >= 4
