/* Tiles for the last one to four columns of a product; AVX-512 only.

   A vector of so few columns would be mostly empty. Where a row's numbers of the left
   operand lie side by side, it holds several steps of k instead: 16 bytes of a row meet
   four columns, each lane one of either, and at the end the lanes of a column are added
   up. Where a column's numbers lie side by side, the lanes are rows, and the panel before
   these columns is made by the same tile. Included by gemm_tiles.h for each type. */

#define block SG_GEMM(block)

enum { SG_GEMM(steps) = SG_LANES / SG_GEMM_FEW };

typedef SG_REAL block __attribute__((vector_size(16))); /* as many steps of a row */

/* The first ``count`` numbers of 16 bytes, the rest zero, over and over. */
SG_INLINE vector SG_GEMM(repeated)(const SG_REAL *from, int64_t count)
{
    const unsigned char mask = (unsigned char)((1u << count) - 1u);
#if SG_FLOAT32
    const block a = __builtin_ia32_loadups128_mask((const void *)from, (block){0}, mask);
#else
    const block a = __builtin_ia32_loadupd128_mask((const void *)from, (block){0}, mask);
#endif
#if defined(__clang__) && SG_FLOAT32
    return __builtin_shufflevector(a, a, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
#elif defined(__clang__)
    return __builtin_shufflevector(a, a, 0, 1, 0, 1, 0, 1, 0, 1);
#elif SG_FLOAT32
    return __builtin_ia32_broadcastf32x4_512(a, (vector){0}, (unsigned short)-1);
#else
    return __builtin_ia32_broadcastf64x2_512_mask(a, (vector){0}, (unsigned char)-1);
#endif
}

/* The place in memory of lane 0 where four lanes from 4 ``part`` on are at ``there``,
   and the mask of the first ``count`` of these. */
SG_INLINE void *SG_GEMM(lane_0)(const SG_REAL *there, int part)
{
    return (void *)((uintptr_t)there - (uintptr_t)part * 4 * sizeof(SG_REAL));
}

SG_INLINE unsigned SG_GEMM(lanes_of)(int part, int64_t count)
{
    return ((1u << count) - 1u) << 4 * part;
}

/* ``a`` with ``count`` numbers in its lanes from 4 ``part`` on. */
SG_INLINE vector SG_GEMM(with)(vector a, int part, const SG_REAL *from, int64_t count)
{
    const unsigned mask = SG_GEMM(lanes_of)(part, count);
    const void *place = SG_GEMM(lane_0)(from, part);
#if SG_FLOAT32
    return __builtin_ia32_loadups512_mask(place, a, (unsigned short)mask);
#else
    return __builtin_ia32_loadupd512_mask(place, a, (unsigned char)mask);
#endif
}

/* Store ``count`` numbers of ``a`` from lane 4 ``part`` on. */
SG_INLINE void SG_GEMM(put_few)(SG_REAL *to, vector a, int part, int64_t count)
{
    const unsigned mask = SG_GEMM(lanes_of)(part, count);
    void *place = SG_GEMM(lane_0)(to, part);
#if SG_FLOAT32
    __builtin_ia32_storeups512_mask(place, a, (unsigned short)mask);
#else
    __builtin_ia32_storeupd512_mask(place, a, (unsigned char)mask);
#endif
}

/* Of four columns after four columns: what is of one column side by side. And the sums
   of as many rows as there are steps, as four columns of one after four of another. */
#if SG_FLOAT32
SG_INLINE vector SG_GEMM(by_column)(vector a)
{
    return __builtin_shufflevector(a, a, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11,
                                   15);
}

SG_INLINE vector SG_GEMM(by_row)(const vector *sums)
{
    vector a = sums[0], b = sums[1], c = sums[2], d = sums[3];
    sg_exchange_f32(&a, &b), sg_exchange_f32(&c, &d);
    sg_f64v left = (sg_f64v)(a + b), right = (sg_f64v)(c + d);
    sg_exchange_f64(&left, &right);
    return SG_GEMM(by_column)((vector)left + (vector)right);
}
#else
SG_INLINE vector SG_GEMM(by_column)(vector a)
{
    return __builtin_shufflevector(a, a, 0, 4, 1, 5, 2, 6, 3, 7);
}

SG_INLINE vector SG_GEMM(by_row)(const vector *sums)
{
    vector a = sums[0], b = sums[1];
    sg_exchange_f64(&a, &b);
    return __builtin_shufflevector(a + b, a, 0, 2, 4, 6, 1, 3, 5, 7);
}
#endif

/* Store columns from ``first`` on of some rows, ``apart`` from ``row`` on. */
SG_INLINE void SG_GEMM(put_rows)(const int rows, vector found, const strip *work,
                                 int64_t first, int64_t row, int64_t apart)
{
    const int64_t columns = work->columns - first;
    SG_REAL *const out = work->out + first + row * work->out_step;
    const int64_t step = apart * work->out_step;
    vector before = {0};
    SG_UNROLLED (int q = 0; q < SG_GEMM(steps); q++)
        if (row + q * apart < rows && work->add)
            before = SG_GEMM(with)(before, q, out + q * step, columns);
    SG_UNROLLED (int q = 0; q < SG_GEMM(steps); q++)
        if (row + q * apart < rows)
            SG_GEMM(put_few)(out + q * step, found + before, q, columns);
}

/* The first ``count`` numbers of as many steps of k as there are from ``right`` on, by
   columns, as a tile of few columns multiplies them; no more than ``depth`` steps. */
SG_INLINE vector SG_GEMM(steps_at)(const SG_REAL *right, int64_t step, int64_t depth,
                                   int64_t count)
{
    vector found = {0};
    SG_UNROLLED (int q = 0; q < SG_GEMM(steps); q++)
        if (q < depth)
            found = SG_GEMM(with)(found, q, SG_GEMM(ahead)(right, q * step), count);
    return SG_GEMM(by_column)(found);
}

/* The sums of a tile of few columns to where they belong. */
SG_INLINE void SG_GEMM(put_sums)(const int rows, const vector *sums, const strip *work)
{
    enum { steps = SG_GEMM(steps) };
    SG_UNROLLED (int i = 0; i < rows; i += steps)
        SG_GEMM(put_rows)(rows, SG_GEMM(by_row)(sums + i), work, 0, i, 1);
}

#include "gemm_last.h"

SG_GEMM_TILE(few, 12, strip, SG_GEMM(few_rows)(12, work))
SG_GEMM_TILE(few, 4, strip, SG_GEMM(few_rows)(4, work))
SG_GEMM_TILE(few, 1, strip, SG_GEMM(few_rows)(1, work))
SG_GEMM_TWICE(few, 8, 4)
SG_GEMM_TWICE(few, 2, 1)

#if SG_FLOAT32
/* The tile of ``rows`` rows where a column's numbers lie side by side, of a panel and of
   up to four columns behind it. */
SG_INLINE void SG_GEMM(turned_tile)(const int rows, const strip *work)
{
    enum { most = SG_GEMM_FEW };
    const int64_t last = work->columns - 2 * SG_LANES - 1;
    const SG_REAL *right = work->right, *left[SG_GEMM_ROWS / 3];
    vector sums[SG_GEMM_ROWS][2], few[most];
    SG_UNROLLED (int i = 0; i < rows; i++)
        sums[i][0] = sums[i][1] = (vector){0};
    SG_UNROLLED (int j = 0; j < most; j++)
        few[j] = (vector){0};
    SG_UNROLLED (int i = 0; i < rows; i += 3)
        left[i / 3] = work->left + i;
    for (int64_t p = 0; p < work->depth; p++) {
        const vector down = SG_GEMM(load_part)(left[0], rows);
        SG_GEMM(fetch)(left[0], work->soon);
        const SG_REAL *behind = SG_GEMM(ahead)(right, work->panel_step);
        SG_UNROLLED (int j = 0; j < most; j++)
            few[j] += behind[sg_min(j, last)] * down;
        const vector first = SG_OF(load)(right), second = SG_OF(load)(right + SG_LANES);
        SG_UNROLLED (int i = 0; i < rows; i++) {
            sums[i][0] += left[i / 3][i % 3] * first;
            sums[i][1] += left[i / 3][i % 3] * second;
        }
        right = SG_GEMM(ahead)(right, work->right_step);
        SG_UNROLLED (int i = 0; i < rows; i += 3)
            left[i / 3] = SG_GEMM(ahead)(left[i / 3], work->depth_step);
    }
    SG_UNROLLED (int i = 0; i < rows; i++)
        SG_UNROLLED (int v = 0; v < 2; v++)
            SG_GEMM(put)(work->out + i * work->out_step + v * SG_LANES, sums[i][v],
                         SG_LANES, work->add);
    sg_exchange_f32(few, few + 1), sg_exchange_f32(few + 2, few + 3);
    SG_UNROLLED (int i = 0; i < most; i += 2) {
        sg_f64v even = (sg_f64v)few[i / 2], odd = (sg_f64v)few[i / 2 + 2];
        sg_exchange_f64(&even, &odd);
        SG_GEMM(put_rows)(rows, (vector)even, work, 2 * SG_LANES, i, most);
        SG_GEMM(put_rows)(rows, (vector)odd, work, 2 * SG_LANES, i + 1, most);
    }
}

SG_GEMM_TILE(turned, 12, strip, SG_GEMM(turned_tile)(12, work))
SG_GEMM_TILE(turned, 4, strip, SG_GEMM(turned_tile)(4, work))
SG_GEMM_TILE(turned, 1, strip, SG_GEMM(turned_tile)(1, work))
SG_GEMM_TWICE(turned, 8, 4)
SG_GEMM_TWICE(turned, 2, 1)
#endif

#undef block
