/* Tiles for the last one to four columns of a product where a vector has eight lanes;
   gemm_edges.h has those of AVX-512, and says what they are for.

   Where the numbers of a row of the left operand lie side by side, the lanes are two
   steps of k for each column, and two numbers of a row meet all columns. Where those of
   a column do, the lanes are rows. */

enum { SG_GEMM(steps) = SG_LANES / SG_GEMM_FEW };

/* One element of the result, overwritten or added to. */
SG_INLINE void SG_GEMM(put_one)(const strip *work, int64_t row, int64_t column,
                                SG_REAL value)
{
    SG_REAL *out = work->out + row * work->out_step + column;
    *out = work->add ? *out + value : value;
}

/* The first ``count`` numbers of as many steps of k as there are from ``right`` on, as
   a tile of few columns multiplies them; no more than ``depth`` steps. */
SG_INLINE vector SG_GEMM(steps_at)(const SG_REAL *right, int64_t step, int64_t depth,
                                   int64_t count)
{
    SG_REAL found[SG_LANES] = {0};
    for (int64_t q = 0; q < sg_min(depth, SG_GEMM(steps)); q++)
        for (int64_t j = 0; j < count; j++)
            found[j * SG_GEMM(steps) + q] = right[q * step + j];
    return SG_OF(load)(found);
}

/* Two numbers of a row, over and over; the bits of the second are 0 where ``count`` is
   1. As integers, which no rounding changes. */
SG_INLINE vector SG_GEMM(repeated)(const SG_REAL *from, int64_t count)
{
    typedef int64_t pairs __attribute__((vector_size(SG_VECTOR_BYTES)));
    int64_t pair = 0;
    if (count == SG_GEMM(steps))
        memcpy(&pair, from, sizeof pair);
    else
        memcpy(&pair, from, sizeof *from);
    return (vector)(pair + (pairs){0});
}

/* The sums of a tile of rows to where they belong: two lanes are a column's. */
SG_INLINE void SG_GEMM(put_sums)(const int rows, const vector *sums, const strip *work)
{
    enum { steps = SG_GEMM(steps) };
    SG_REAL lanes[SG_GEMM_ROWS][SG_LANES];
    SG_UNROLLED (int i = 0; i < rows; i++)
        SG_OF(store)(lanes[i], sums[i]);
    for (int i = 0; i < rows; i++)
        for (int64_t j = 0; j < work->columns; j++)
            SG_GEMM(put_one)(work, i, j, lanes[i][steps * j] + lanes[i][steps * j + 1]);
}

#include "gemm_last.h"

/* One step of k, of a column's numbers and those of columns 0 .. ``last``. */
SG_INLINE void SG_GEMM(few_step)(const int rows, vector *sums, const SG_REAL *left,
                                 const SG_REAL *right, int64_t last)
{
    const vector down = SG_GEMM(load_part)(left, rows);
    SG_UNROLLED (int j = 0; j < SG_GEMM_FEW; j++)
        sums[j] += right[sg_min(j, last)] * down;
}

/* The tile of ``rows`` rows where the numbers of a column lie side by side. Two sums
   for each column, of every other step: one would wait for itself. */
SG_INLINE void SG_GEMM(few_columns)(const int rows, const strip *work)
{
    const int64_t left_step = work->depth_step, right_step = work->right_step;
    const int64_t last = work->columns - 1;
    const SG_REAL *left = work->left, *right = work->right;
    vector sums[2][SG_GEMM_FEW];
    SG_UNROLLED (int j = 0; j < SG_GEMM_FEW; j++)
        sums[0][j] = sums[1][j] = (vector){0};
    int64_t rest = work->depth;
    for (; rest >= 2; rest -= 2) {
        SG_GEMM(few_step)(rows, sums[0], left, right, last);
        SG_GEMM(few_step)(rows, sums[1], SG_GEMM(ahead)(left, left_step),
                          SG_GEMM(ahead)(right, right_step), last);
        left = SG_GEMM(ahead)(left, 2 * left_step);
        right = SG_GEMM(ahead)(right, 2 * right_step);
    }
    if (rest > 0)
        SG_GEMM(few_step)(rows, sums[0], left, right, last);
    SG_REAL lanes[SG_GEMM_FEW][SG_LANES];
    SG_UNROLLED (int j = 0; j < SG_GEMM_FEW; j++)
        SG_OF(store)(lanes[j], sums[0][j] + sums[1][j]);
    for (int i = 0; i < rows; i++)
        for (int64_t j = 0; j <= last; j++)
            SG_GEMM(put_one)(work, i, j, lanes[j][i]);
}

/* Sums come in one order whatever a tile's height is. */
#define SG_FEW(ROWS)                                                                   \
    SG_SHARED void SG_GEMM(few_##ROWS)(const strip *work)                              \
    {                                                                                  \
        if (work->last)                                                                \
            SG_GEMM(few_rows)(ROWS, work);                                             \
        else                                                                           \
            SG_GEMM(few_columns)(ROWS, work);                                          \
    }

SG_FEW(6)
SG_FEW(2)
SG_FEW(1)
SG_GEMM_TWICE(few, 4, 2)
#undef SG_FEW
