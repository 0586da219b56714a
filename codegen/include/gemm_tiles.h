/* Register tiles: SG_GEMM_ROWS rows by two vectors of the product stay in registers
   while k runs. Included for each type. */

#define half SG_GEMM(half)
#define strip SG_GEMM(strip)
#define PANEL (2 * SG_LANES)

/* One step of k in a tile: ``rows`` numbers of the left operand, three of them a
   ``row_step`` apart from each of ``left`` on, times the vectors at ``right``. */
SG_INLINE void SG_GEMM(step)(const int rows, const int vectors, vector (*sums)[2],
                             const SG_REAL *const *left, int64_t row_step, int64_t at,
                             const SG_REAL *right, int64_t count)
{
    vector across[2];
    SG_UNROLLED (int v = 0; v < vectors; v++)
        across[v] = SG_GEMM_MASKS && vectors == 1 ? SG_GEMM(load_part)(right, count)
                                                  : SG_OF(load)(right + v * SG_LANES);
    SG_UNROLLED (int i = 0; i < rows; i++) {
        const SG_REAL *start = SG_GEMM(ahead)(left[i / 3], at);
        const SG_REAL down = *SG_GEMM(ahead)(start, i % 3 * row_step);
        SG_UNROLLED (int v = 0; v < vectors; v++)
            SG_OF(add_product)(&sums[i][v], down, across[v]);
    }
}

/* The tile of ``rows`` rows and the first columns: two vectors of them, or where
   ``vectors`` is 1 at most one vector. All three are constants of the caller, so that
   inner loops unroll, and so may the steps be. ``group`` steps of k go at once. Three
   rows share one pointer, as x86 addresses base + {0, 1, 2} * step: a pointer for each
   would not fit in the registers. */
SG_INLINE void SG_GEMM(tile)(const int rows, const int vectors, const int group,
                             const strip *work, int64_t row_step, int64_t depth_step,
                             int64_t right_step, int64_t soon, const bool asks)
{
    const int64_t depth = work->depth;
    const int64_t count = sg_min(work->columns, SG_LANES);
    const int64_t out_step = work->out_step;
    const bool add = work->add;
    SG_REAL *out = work->out;
    const SG_REAL *right = work->right, *shared[SG_GEMM_ROWS / 3];
    vector sums[SG_GEMM_ROWS][2];
    SG_UNROLLED (int i = 0; i < rows; i++)
        SG_UNROLLED (int v = 0; v < vectors; v++)
            sums[i][v] = (vector){0};
    SG_UNROLLED (int i = 0; i < rows; i += 3)
        shared[i / 3] = SG_GEMM(ahead)(work->left, i * row_step);
    SG_UNROLLED (int i = 0; i < rows; i++)
        SG_UNROLLED (int v = 0; v < vectors; v++)
            __builtin_prefetch(out + i * out_step + v * SG_LANES, 1, 3);
    int64_t p = 0;
    const SG_REAL *next =
        asks ? SG_GEMM(ahead)(right, work->panel_step + work->soon) : right;
    for (; group > 1 && p + group <= depth; p += group) {
        if (asks) {
            SG_GEMM(fetch)(next, 0);
            next = SG_GEMM(ahead)(next, SG_ASKED);
        }
        if (soon)
            SG_UNROLLED (int q = 0; q < group; q++)
                SG_GEMM(fetch)(shared[0], q * depth_step + soon);
        SG_UNROLLED (int q = 0; q < group; q++)
            SG_GEMM(step)(rows, vectors, sums, shared, row_step, q * depth_step,
                          SG_GEMM(ahead)(right, q * right_step), count);
        SG_UNROLLED (int i = 0; i < rows; i += 3)
            shared[i / 3] = SG_GEMM(ahead)(shared[i / 3], group * depth_step);
        right = SG_GEMM(ahead)(right, group * right_step);
    }
    for (; p < depth; p++) {
        if (soon)
            SG_GEMM(fetch)(shared[0], soon);
        SG_GEMM(step)(rows, vectors, sums, shared, row_step, 0, right, count);
        SG_UNROLLED (int i = 0; i < rows; i += 3)
            shared[i / 3] = SG_GEMM(ahead)(shared[i / 3], depth_step);
        right = SG_GEMM(ahead)(right, right_step);
    }
    SG_UNROLLED (int i = 0; i < rows; i++, out += out_step)
        SG_UNROLLED (int v = 0; v < vectors; v++)
            SG_GEMM(put)(out + v * SG_LANES, sums[i][v],
                         vectors == 1 ? count : SG_LANES, add);
}

/* The same with any steps, one by one. */
SG_INLINE void SG_GEMM(any_tile)(const int rows, const int vectors, const strip *work)
{
    SG_GEMM(tile)(rows, vectors, 1, work, work->row_step, work->depth_step,
                  work->right_step, work->soon, false);
}

#if SG_VECTOR_BYTES == 64
/* The same for at most half a vector of columns. */
SG_INLINE void SG_GEMM(narrow_tile)(const int rows, const strip *work)
{
    const int64_t depth = work->depth, row_step = work->row_step;
    const int64_t depth_step = work->depth_step, right_step = work->right_step;
    const int64_t count = work->columns;
    const SG_REAL *right = work->right, *shared[SG_GEMM_ROWS / 3];
    half sums[SG_GEMM_ROWS];
    SG_UNROLLED (int i = 0; i < rows; i++)
        sums[i] = (half){0};
    SG_UNROLLED (int i = 0; i < rows; i += 3)
        shared[i / 3] = SG_GEMM(ahead)(work->left, i * row_step);
    for (int64_t p = 0; p < depth; p++) {
        const half across = SG_GEMM(load_half)(right, count);
        SG_UNROLLED (int i = 0; i < rows; i++)
            sums[i] += *SG_GEMM(ahead)(shared[i / 3], i % 3 * row_step) * across;
        SG_UNROLLED (int i = 0; i < rows; i += 3)
            shared[i / 3] = SG_GEMM(ahead)(shared[i / 3], depth_step);
        right = SG_GEMM(ahead)(right, right_step);
    }
    SG_UNROLLED (int i = 0; i < rows; i++) {
        SG_REAL *out = work->out + i * work->out_step;
        if (work->add)
            sums[i] += SG_GEMM(load_half)(out, count);
        SG_GEMM(store_half)(out, sums[i], count);
    }
}

#define SG_NARROW(ROWS)                                                                \
    SG_GEMM_TILE(narrow, ROWS, strip, SG_GEMM(narrow_tile)(ROWS, work))
#else
#define SG_NARROW(ROWS)
#endif

#define SG_SINGLE(ROWS)                                                                \
    SG_GEMM_TILE(single, ROWS, strip, SG_GEMM(any_tile)(ROWS, 1, work))
#define SG_TILES(ROWS)                                                                 \
    SG_GEMM_TILE(wide, ROWS, strip, SG_GEMM(any_tile)(ROWS, 2, work))                  \
    SG_SINGLE(ROWS)                                                                    \
    SG_NARROW(ROWS)

#if SG_GEMM_ROWS == 12
SG_TILES(12)
SG_TILES(8)
SG_TILES(4)
#else
#include "gemm_groups.h"
#endif
SG_TILES(2)
SG_TILES(1)
#undef SG_TILES
#undef SG_SINGLE
#undef SG_NARROW

#if SG_GEMM_EDGES && SG_VECTOR_BYTES == 64
#include "gemm_edges.h"
#elif SG_GEMM_EDGES
#include "gemm_few.h"
#endif

typedef void SG_GEMM(tile_function)(const strip *work);

/* Tiles by their height, the highest first. */
#if SG_GEMM_ROWS == 12
#define SG_HEIGHTS(KIND)                                                               \
    {SG_GEMM(KIND##_12), SG_GEMM(KIND##_8), SG_GEMM(KIND##_4), SG_GEMM(KIND##_2),      \
     SG_GEMM(KIND##_1)}
#else
#define SG_HEIGHTS(KIND)                                                               \
    {SG_GEMM(KIND##_6), SG_GEMM(KIND##_4), SG_GEMM(KIND##_2), SG_GEMM(KIND##_1)}
#endif

#undef half
#undef strip
#undef PANEL
