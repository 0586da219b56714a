/* Register tiles: SG_GEMM_ROWS rows by two vectors of the product stay in registers
   while k runs. Included by gemm.h for each type. */

#define vector SG_GEMM(vector)
#define half SG_GEMM(half)
#define strip SG_GEMM(strip)
#define PANEL (2 * SG_LANES)

/* out[i][j] (+)= sum_p left[i][p] right[p][j], steps counted in elements:

   left[i][p] lies at i * row_step + p * depth_step, right[p][j] at p * right_step +
   j / PANEL * panel_step + j % PANEL, out[i][j] at i * out_step + j. */
typedef struct strip {
    int64_t rows, columns, depth;
    const SG_REAL *left;
    int64_t row_step, depth_step;
    const SG_REAL *right;
    int64_t right_step, panel_step;
    SG_REAL *out;
    int64_t out_step;
    bool add; /* to what out holds; else it is overwritten */
} strip;

/* A pointer ``steps`` elements on. In bytes: gcc would write every loop a second time
   for steps of one element. */
SG_INLINE const SG_REAL *SG_GEMM(ahead)(const SG_REAL *from, int64_t steps)
{
    return (const SG_REAL *)((const char *)from + steps * (int64_t)sizeof(SG_REAL));
}

/* The tile of ``rows`` rows and the first columns: two vectors of them, or where
   ``vectors`` is 1 at most one vector. Both are constants of the caller, so that all
   inner loops unroll. Three rows share one pointer, as x86 addresses base + {0, 1, 2}
   * step: a pointer for each would not fit in the registers. */
SG_INLINE void SG_GEMM(tile)(const int rows, const int vectors, const strip *work)
{
    const int64_t depth = work->depth, row_step = work->row_step;
    const int64_t depth_step = work->depth_step, right_step = work->right_step;
    const int64_t count = sg_min(work->columns, SG_LANES);
    const SG_REAL *right = work->right, *shared[SG_GEMM_ROWS / 3];
    vector sums[SG_GEMM_ROWS][2];
    SG_UNROLLED (int i = 0; i < rows; i++)
        SG_UNROLLED (int v = 0; v < vectors; v++)
            sums[i][v] = (vector){0};
    SG_UNROLLED (int i = 0; i < rows; i += 3)
        shared[i / 3] = SG_GEMM(ahead)(work->left, i * row_step);
    for (int64_t p = 0; p < depth; p++) {
        vector across[2];
        SG_UNROLLED (int v = 0; v < vectors; v++)
            across[v] = SG_GEMM_MASKS && vectors == 1
                            ? SG_GEMM(load_part)(right, count)
                            : SG_GEMM(load)(right + v * SG_LANES);
        SG_UNROLLED (int i = 0; i < rows; i++) {
            const SG_REAL down = *SG_GEMM(ahead)(shared[i / 3], i % 3 * row_step);
            SG_UNROLLED (int v = 0; v < vectors; v++)
                sums[i][v] += down * across[v];
        }
        SG_UNROLLED (int i = 0; i < rows; i += 3)
            shared[i / 3] = SG_GEMM(ahead)(shared[i / 3], depth_step);
        right = SG_GEMM(ahead)(right, right_step);
    }
    SG_UNROLLED (int i = 0; i < rows; i++)
        SG_UNROLLED (int v = 0; v < vectors; v++)
            SG_GEMM(put)(work->out + i * work->out_step + v * SG_LANES, sums[i][v],
                         vectors == 1 ? count : SG_LANES, work->add);
}

#if SG_GEMM_BYTES == 64
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
    SG_SHARED void SG_GEMM(narrow_##ROWS)(const strip *work)                           \
    {                                                                                  \
        SG_GEMM(narrow_tile)(ROWS, work);                                              \
    }
#else
#define SG_NARROW(ROWS)
#endif

/* A function for each tile, so that its loop over k has all registers to itself. */
#define SG_TILES(ROWS)                                                                 \
    SG_SHARED void SG_GEMM(wide_##ROWS)(const strip *work)                             \
    {                                                                                  \
        SG_GEMM(tile)(ROWS, 2, work);                                                  \
    }                                                                                  \
    SG_SHARED void SG_GEMM(single_##ROWS)(const strip *work)                           \
    {                                                                                  \
        SG_GEMM(tile)(ROWS, 1, work);                                                  \
    }                                                                                  \
    SG_NARROW(ROWS)

#if SG_GEMM_ROWS == 12
SG_TILES(12)
SG_TILES(8)
#else
SG_TILES(6)
#endif
SG_TILES(4)
SG_TILES(2)
SG_TILES(1)
#undef SG_TILES
#undef SG_NARROW

typedef void SG_GEMM(tile_function)(const strip *work);

/* Tiles of one height along all columns: panels, then a vector, then what is left. */
SG_INLINE void SG_GEMM(along)(strip work, SG_GEMM(tile_function) *wide,
                              SG_GEMM(tile_function) *single,
                              SG_GEMM(tile_function) *narrow)
{
    for (; work.columns >= PANEL; work.columns -= PANEL) {
        wide(&work);
        work.right += work.panel_step, work.out += PANEL;
    }
    for (; work.columns > SG_LANES / 2; work.columns -= SG_LANES) {
        single(&work);
        work.right += SG_LANES, work.out += SG_LANES;
    }
    if (work.columns > 0)
        narrow(&work);
}

/* A strip of up to SG_GEMM_ROWS rows, in the fewest tiles. */
SG_SHARED void SG_GEMM(rows)(const strip *whole)
{
    strip work = *whole;
#if SG_GEMM_BYTES == 64
#define SG_ALONG(ROWS)                                                                 \
    SG_GEMM(along)                                                                     \
    (work, SG_GEMM(wide_##ROWS), SG_GEMM(single_##ROWS), SG_GEMM(narrow_##ROWS))
#else
#define SG_ALONG(ROWS)                                                                 \
    SG_GEMM(along)                                                                     \
    (work, SG_GEMM(wide_##ROWS), SG_GEMM(single_##ROWS), SG_GEMM(single_##ROWS))
#endif
#define SG_DOWN(ROWS)                                                                  \
    for (; work.rows >= ROWS; work.rows -= ROWS) {                                     \
        SG_ALONG(ROWS);                                                                \
        work.left += ROWS * work.row_step;                                             \
        work.out += ROWS * work.out_step;                                              \
    }
#if SG_GEMM_ROWS == 12
    SG_DOWN(12)
    SG_DOWN(8)
#else
    SG_DOWN(6)
#endif
    SG_DOWN(4)
    SG_DOWN(2)
    SG_DOWN(1)
#undef SG_DOWN
#undef SG_ALONG
}

#undef vector
#undef half
#undef strip
#undef PANEL
