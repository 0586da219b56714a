/* Products with few columns, or with one row: bound by memory, so nothing is packed.
   Included by gemm.h for each type. */

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
    SG_SHARED void SG_GEMM(dots_##COLUMNS)(                                            \
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

SG_DOTS(1)
SG_DOTS(2)
SG_DOTS(3)
SG_DOTS(4)
#undef SG_DOTS

/* to[j][p] = from[p][j], for the few columns of dots. */
SG_SHARED void SG_GEMM(turn)(int64_t columns, int64_t depth,
                                                  const SG_REAL *from, int64_t step,
                                                  SG_REAL *to)
{
    for (int64_t j = 0; j < columns; j++)
        for (int64_t p = 0; p < depth; p++)
            to[j * depth + p] = from[p * step + j];
}

/* out[j] = sum_p left[p] right[p][j]: whole rows stream by, eight at a time, and out
   stays in the first-level cache. */
SG_SHARED void SG_GEMM(row)(
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
