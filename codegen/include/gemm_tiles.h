/* Register tiles: SG_GEMM_ROWS rows by two vectors of the product stay in registers
   while k runs. Included by gemm.h for each type. */

#define vector SG_GEMM(vector)

/* The vector at ``from``, or its first ``count`` lanes where it is the ragged one. */
SG_INLINE vector SG_GEMM(load_right)(const SG_REAL *from, bool ragged, int64_t count)
{
    if (SG_GEMM_MASKS && ragged)
        return SG_GEMM(load_part)(from, count);
    return SG_GEMM(load)(from);
}

/* out = (add ? out : 0) + value */
SG_INLINE void SG_GEMM(put)(SG_REAL *out, vector value, bool add, bool ragged,
                            int64_t count)
{
    if (ragged) {
        if (add)
            value += SG_GEMM(load_part)(out, count);
        SG_GEMM(store_part)(out, value, count);
    } else {
        if (add)
            value += SG_GEMM(load)(out);
        SG_GEMM(store)(out, value);
    }
}

/* out[i][j] (+)= sum_p left[i][p] right[p][j] on one tile.

   ``rows``, ``vectors`` and ``ragged`` are constants of the caller, so that all inner
   loops unroll. If ragged, the last vector holds ``count`` columns. Three rows share
   one pointer, as x86 addresses base + {0, 1, 2} * step: a pointer for each would not
   fit in the registers. */
SG_INLINE void SG_GEMM(tile)(const int rows, const int vectors, const bool ragged,
                             int64_t count, int64_t depth, const SG_REAL *left,
                             int64_t row_step, int64_t depth_step,
                             const SG_REAL *right, int64_t right_step, SG_REAL *out,
                             int64_t out_step, bool add)
{
    vector sums[SG_GEMM_ROWS][2];
    const SG_REAL *shared[SG_GEMM_ROWS / 3];
    SG_UNROLLED (int i = 0; i < rows; i++)
        SG_UNROLLED (int v = 0; v < vectors; v++)
            sums[i][v] = (vector){0};
    SG_UNROLLED (int i = 0; i < rows; i += 3)
        shared[i / 3] = left + i * row_step;
    if (add)
        SG_UNROLLED (int i = 0; i < rows; i++)
            SG_UNROLLED (int v = 0; v < vectors; v++)
                __builtin_prefetch(out + i * out_step + v * SG_LANES, 1);
    for (int64_t p = 0; p < depth; p++, right += right_step) {
        vector across[2];
        SG_UNROLLED (int v = 0; v < vectors; v++)
            across[v] = SG_GEMM(load_right)(right + v * SG_LANES,
                                            ragged && v == vectors - 1, count);
        SG_UNROLLED (int i = 0; i < rows; i++) {
            const SG_REAL down = shared[i / 3][i % 3 * row_step];
            SG_UNROLLED (int v = 0; v < vectors; v++)
                sums[i][v] += down * across[v];
        }
        SG_UNROLLED (int i = 0; i < rows; i += 3)
            shared[i / 3] += depth_step;
    }
    SG_UNROLLED (int i = 0; i < rows; i++)
        SG_UNROLLED (int v = 0; v < vectors; v++)
            SG_GEMM(put)(out + i * out_step + v * SG_LANES, sums[i][v], add,
                         ragged && v == vectors - 1, count);
}

/* Tiles of ROWS rows along all columns; ``panel_step`` leads to the next panel. */
#define SG_STRIP(ROWS)                                                                 \
    SG_SHARED void SG_GEMM(strip_##ROWS)(               \
        int64_t columns, int64_t depth, const SG_REAL *left, int64_t row_step,         \
        int64_t depth_step, const SG_REAL *right, int64_t right_step,                  \
        int64_t panel_step, SG_REAL *out, int64_t out_step, bool add)                  \
    {                                                                                  \
        for (; columns >= PANEL; columns -= PANEL, right += panel_step, out += PANEL)  \
            SG_GEMM(tile)(ROWS, 2, false, 0, depth, left, row_step, depth_step, right, \
                          right_step, out, out_step, add);                             \
        if (columns > SG_LANES)                                                        \
            SG_GEMM(tile)(ROWS, 2, true, columns - SG_LANES, depth, left, row_step,    \
                          depth_step, right, right_step, out, out_step, add);          \
        else if (columns > 0)                                                          \
            SG_GEMM(tile)(ROWS, 1, true, columns, depth, left, row_step, depth_step,   \
                          right, right_step, out, out_step, add);                      \
    }

#if SG_GEMM_ROWS == 12
SG_STRIP(12)
SG_STRIP(8)
#else
SG_STRIP(6)
#endif
SG_STRIP(4)
SG_STRIP(2)
SG_STRIP(1)
#undef SG_STRIP

/* out (+)= left right for up to SG_GEMM_ROWS rows, as the fewest strips.

   left[i][p] lies at i * row_step + p * depth_step, right[p][j] at p * right_step +
   j / PANEL * panel_step + j % PANEL, out[i][j] at i * out_step + j. */
SG_SHARED void SG_GEMM(rows)(
    int64_t rows, int64_t columns, int64_t depth, const SG_REAL *left,
    int64_t row_step, int64_t depth_step, const SG_REAL *right, int64_t right_step,
    int64_t panel_step, SG_REAL *out, int64_t out_step, bool add)
{
#define SG_STRIP(ROWS)                                                                 \
    for (; rows >= ROWS; rows -= ROWS) {                                               \
        SG_GEMM(strip_##ROWS)(columns, depth, left, row_step, depth_step, right,       \
                              right_step, panel_step, out, out_step, add);             \
        left += ROWS * row_step;                                                       \
        out += ROWS * out_step;                                                        \
    }
#if SG_GEMM_ROWS == 12
    SG_STRIP(12)
    SG_STRIP(8)
#else
    SG_STRIP(6)
#endif
    SG_STRIP(4)
    SG_STRIP(2)
    SG_STRIP(1)
#undef SG_STRIP
}

#undef vector
#undef PANEL
