"""The C that Python sees: structs and functions of ``include``, as cffi reads them.

To parse them takes longer than to load a compiled program, so that is done once, when
they change:

    python -m codegen.declarations          writes declared.py anew

``declared.ffi`` knows them without a parser. The fields of ``sg_python`` are the
functions that ``python_table.py`` finds, in its order.
"""

from __future__ import annotations

from pathlib import Path

import cffi

MODULE = "codegen.declared"
FILE = Path(__file__).with_name("declared.py")

TEXT = """
typedef struct {
    intptr_t *arguments; int64_t *sizes; char *arena; int64_t *offsets;
    int64_t threads; double *seconds; intptr_t items, array, type; intptr_t *dtypes;
    int64_t *found;
} sg_call;
typedef int64_t sg_entry(const sg_call *call);
sg_entry *sg_entry_at(int64_t place);
int omp_get_num_threads(void);

typedef struct {
    void *unlock, *relock, *keep, *drop, *clear, *call, *get, *set, *number, *value,
         *list, *list_get, *list_put, *tuple, *tuple_get, *tuple_put, *pointer,
         *empty, *none, *truth;
} sg_python;

typedef struct {
    sg_python *python; int64_t reads, writes; intptr_t *cells;
    void *name, *acquire, *release, *unless, *spares;
    intptr_t *met, *next; intptr_t array;
} sg_cells;
typedef struct {
    sg_call call; intptr_t *shapes, *results, *expected, *items;
} sg_plan;
typedef struct {
    void *entry; sg_cells *cells; intptr_t *dtypes;
    int64_t arguments, fixed, results, plans; sg_plan **plan; int64_t busy;
} sg_direct;
typedef struct {
    const char *name; void *function; int flags; const char *doc;
} sg_method;
bool sg_direct_claim(sg_direct *direct);
void sg_direct_open(sg_python *python);
void *sg_direct_call(void *self, void **arguments, intptr_t count);
"""


def write(file: Path) -> None:
    """The declarations as a Python module that needs no parser."""
    ffi = cffi.FFI()
    ffi.cdef(TEXT)
    ffi.set_source(MODULE, None)
    ffi.emit_python_code(str(file))


if __name__ == "__main__":
    write(FILE)
