/* Products with few columns: bound by memory, so nothing is packed. SG_DOTS is compiled
   once for a type and a number of columns. */
#include "gemm_parts.h"

/* sums[i][j] += left[i] * right[j], all vectors. */
SG_INLINE void SG_GEMM(outer)(const int rows, const int columns, vector sums[4][4],
                              const vector *left, const vector *right)
{
    SG_UNROLLED (int i = 0; i < rows; i++)
        SG_UNROLLED (int j = 0; j < columns; j++)
            sums[i][j] += left[i] * right[j];
}

/* out[i][j] = sum_p left[i][p] right[j][p], ``rows`` by ``columns`` constants, both
   operands contiguous in p. */
SG_INLINE void SG_GEMM(dots_tile)(const int rows, const int columns, int64_t depth,
                                  const SG_REAL *left, int64_t left_step,
                                  const SG_REAL *right, int64_t right_step,
                                  SG_REAL *out, int64_t row_step, int64_t column_step)
{
    vector sums[4][4], down[4], across[4];
    SG_UNROLLED (int i = 0; i < rows; i++)
        SG_UNROLLED (int j = 0; j < columns; j++)
            sums[i][j] = (vector){0};
    int64_t p = 0;
    for (; p + SG_LANES <= depth; p += SG_LANES) {
        SG_UNROLLED (int i = 0; i < rows; i++)
            down[i] = SG_OF(load)(left + i * left_step + p);
        SG_UNROLLED (int j = 0; j < columns; j++)
            across[j] = SG_OF(load)(right + j * right_step + p);
        SG_GEMM(outer)(rows, columns, sums, down, across);
    }
    if (p < depth) {
        SG_UNROLLED (int i = 0; i < rows; i++)
            down[i] = SG_GEMM(load_part)(left + i * left_step + p, depth - p);
        SG_UNROLLED (int j = 0; j < columns; j++)
            across[j] = SG_GEMM(load_part)(right + j * right_step + p, depth - p);
        SG_GEMM(outer)(rows, columns, sums, down, across);
    }
    SG_UNROLLED (int j = 0; j < columns; j++) {
        SG_REAL *to = out + j * column_step;
        if (rows == 4) {
            const vector four[4] = {sums[0][j], sums[1][j], sums[2][j], sums[3][j]};
            SG_GEMM(four_sums)(four, to, row_step);
        } else {
            to[0] = SG_GEMM(lane_sum)(sums[0][j]);
        }
    }
}

/* The same for any number of rows, four at a time. */
#define SG_DOTS(COLUMNS)                                                               \
    SG_COMMON void SG_GEMM(dots_##COLUMNS)(                                            \
        int64_t rows, int64_t depth, const SG_REAL *left, int64_t left_step,           \
        const SG_REAL *right, int64_t right_step, SG_REAL *out, int64_t row_step,      \
        int64_t column_step)                                                           \
    {                                                                                  \
        for (; rows >= 4; rows -= 4, left += 4 * left_step, out += 4 * row_step)       \
            SG_GEMM(dots_tile)(4, COLUMNS, depth, left, left_step, right, right_step,  \
                               out, row_step, column_step);                            \
        for (; rows > 0; rows--, left += left_step, out += row_step)                   \
            SG_GEMM(dots_tile)(1, COLUMNS, depth, left, left_step, right, right_step,  \
                               out, row_step, column_step);                            \
    }
