/* Matrix products as programs call them. What is declared here, ``gemm_tiled.h``,
   ``gemm_dots.h`` and ``gemm_row.h`` have; for each type they are compiled once, and
   linked with the modules that call it. */
#ifndef SYMGRAPH_GEMM_H
#define SYMGRAPH_GEMM_H

#include "vectors.h"

/* Rows of a register tile, which is two vectors wide. Python's plan knows it too. */
#if SG_VECTOR_BYTES == 64 || defined(__aarch64__)
#define SG_GEMM_ROWS 12
#else
#define SG_GEMM_ROWS 6
#endif

/* Where part ``part`` of ``parts`` begins in 0 .. size, in whole groups. */
SG_INLINE int64_t sg_gemm_start(int64_t part, int64_t parts, int64_t size,
                                int64_t group)
{
    const int64_t groups = (size + group - 1) / group;
    return sg_min(part * groups / parts * group, size);
}

/* Where strip ``strip`` of ``strips`` begins in 0 .. rows. */
SG_INLINE int64_t sg_gemm_strip_start(int64_t strip, int64_t strips, int64_t rows)
{
    return sg_gemm_start(strip, strips, rows, SG_GEMM_ROWS / 3);
}

#include "gemm_single.h"
#include "gemm_calls.h"
#include "gemm_double.h"
#include "gemm_calls.h"
#include "gemm_untyped.h"

#endif
