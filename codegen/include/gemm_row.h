/* Products with one row: bound by memory, so nothing is packed. Compiled once for a
   type. */
#include "gemm_parts.h"

/* out[j] = sum_p left[p] right[p][j]: whole rows stream by, eight at a time, and out
   stays in the first-level cache. */
SG_COMMON void SG_GEMM(row)(
    int64_t columns, int64_t depth, const SG_REAL *restrict left,
    const SG_REAL *restrict right, int64_t step, SG_REAL *restrict out)
{
    memset(out, 0, (size_t)columns * sizeof(SG_REAL));
    int64_t p = 0;
    for (; p + 8 <= depth; p += 8, right += 8 * step) {
#pragma omp simd
        for (int64_t j = 0; j < columns; j++) {
            SG_REAL sum = out[j];
            SG_UNROLLED (int q = 0; q < 8; q++)
                sum += left[p + q] * right[q * step + j];
            out[j] = sum;
        }
    }
    for (; p < depth; p++, right += step) {
#pragma omp simd
        for (int64_t j = 0; j < columns; j++)
            out[j] += left[p] * right[j];
    }
}
