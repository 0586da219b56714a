/* Register tiles that copy their operands while they multiply. Included for each type.

   A line copied beside a step of k costs hardly anything, as loads and stores have ports
   of their own; copied before, it costs its own time, and many lines at once hold up the
   multiply-adds behind them. So the first tile of a strip brings its rows to where the
   others read them, and the first strip of a block its columns. */

#define slab SG_GEMM(slab)
#define PANEL (2 * SG_LANES)

enum { SG_GEMM(soon) = 4 * SG_LANES }; /* columns asked for ahead of their copy */

/* Two vectors of the right operand to ``packed``, if that is wanted; those of far rows,
   that come a few steps later, start on their way: three lines where none begins one. */
SG_INLINE void SG_GEMM(pack_step)(const vector *across, const SG_REAL *right,
                                  int64_t right_step, SG_REAL *packed)
{
    SG_UNROLLED (int v = 0; v < 2; v++) {
        if (packed)
            SG_OF(store)(packed + v * SG_LANES, across[v]);
        SG_GEMM(fetch)(right, 16 * right_step + v * SG_LANES);
    }
    SG_GEMM(fetch)(right, 16 * right_step + PANEL - 1);
}

/* The first vector of each row to ``copy``. */
SG_INLINE void SG_GEMM(copy_first)(const int rows, const slab *work, SG_REAL *copy)
{
    for (int i = 0; i < rows; i++) {
        const SG_REAL *row = SG_GEMM(ahead)(work->left, i * work->left_step);
        SG_OF(store)(copy + i * SG_LANES, SG_OF(load)(row));
        SG_GEMM(fetch)(row, SG_GEMM(soon));
    }
}

/* Ask for a row of the result, each in its turn before the last vectors of k. */
SG_INLINE void SG_GEMM(ask_for_row)(const int rows, const slab *work, int64_t p)
{
    const int64_t row = rows - (work->depth - p) / SG_LANES;
    if (row >= 0)
        SG_UNROLLED (int v = 0; v < 2; v++)
            __builtin_prefetch(work->out + row * work->out_step + v * SG_LANES, 1, 3);
}

/* The tile of ``rows`` rows, a constant of the caller, and the first panel. Nothing but
   what the loop over a vector of k needs may live in a register meanwhile: to keep the
   rest in vector registers, as compilers do, takes time from the multiply-adds. */
SG_INLINE void SG_GEMM(slab_tile)(const int rows, const slab *work)
{
    enum { copies = (SG_GEMM_ROWS + SG_LANES - 1) / SG_LANES }; /* beside a step */
    const int64_t depth = work->depth;
    const int64_t right_step = work->right ? work->right_step : PANEL;
    const bool in_place = work->right;
    const SG_REAL *right = work->right ? work->right : work->packed;
    SG_REAL *packed = work->right ? work->packed : NULL, *copy = work->copy;
    vector sums[SG_GEMM_ROWS][2];
    SG_UNROLLED (int i = 0; i < rows; i++)
        SG_UNROLLED (int v = 0; v < 2; v++)
            sums[i][v] = (vector){0};
    if (work->left)
        SG_GEMM(copy_first)(rows, work, copy);
    for (int64_t p = 0; p < depth; p += SG_LANES) {
        int64_t lines = work->left && p + SG_LANES < depth ? rows : 0;
        const SG_REAL *from = lines ? work->left + p + SG_LANES : NULL;
        SG_REAL *to = copy + rows * SG_LANES;
        const bool on = p + SG_LANES + SG_GEMM(soon) >= depth; /* to the next strip */
        const int64_t next = on ? rows * work->left_step - depth : 0;
        SG_GEMM(ask_for_row)(rows, work, p);
        for (int q = 0; q < SG_LANES; q++) {
            vector across[2];
            SG_UNROLLED (int v = 0; v < 2; v++)
                across[v] = SG_OF(load)(right + v * SG_LANES);
            if (in_place) {
                SG_GEMM(pack_step)(across, right, right_step, packed);
                packed = packed ? packed + PANEL : NULL;
            }
            SG_UNROLLED (int c = 0; c < copies; c++)
                if (--lines >= 0) {
                    SG_OF(store)(to, SG_OF(load)(from));
                    SG_GEMM(fetch)(from, SG_GEMM(soon) + next);
                    from = SG_GEMM(ahead)(from, work->left_step), to += SG_LANES;
                }
            SG_UNROLLED (int i = 0; i < rows; i++)
                SG_UNROLLED (int v = 0; v < 2; v++)
                    sums[i][v] += copy[i * SG_LANES] * across[v];
            right = SG_GEMM(ahead)(right, right_step), copy++;
        }
        copy += (rows - 1) * SG_LANES;
    }
    SG_REAL *out = work->out;
    SG_UNROLLED (int i = 0; i < rows; i++, out += work->out_step)
        SG_UNROLLED (int v = 0; v < 2; v++)
            SG_GEMM(put)(out + v * SG_LANES, sums[i][v], SG_LANES, work->add);
}

SG_GEMM_TILE(slab, 12, slab, SG_GEMM(slab_tile)(12, work))
SG_GEMM_TILE(slab, 8, slab, SG_GEMM(slab_tile)(8, work))
SG_GEMM_TILE(slab, 4, slab, SG_GEMM(slab_tile)(4, work))
SG_GEMM_TILE(slab, 2, slab, SG_GEMM(slab_tile)(2, work))
SG_GEMM_TILE(slab, 1, slab, SG_GEMM(slab_tile)(1, work))

/* All rows of a strip times one panel after another. */
SG_COMMON void SG_GEMM(by_slabs)(const slab *whole)
{
    static void (*const tiles[])(const slab *work) = {
        SG_GEMM(slab_12), SG_GEMM(slab_8), SG_GEMM(slab_4), SG_GEMM(slab_2),
        SG_GEMM(slab_1)};
    slab work = *whole;
    for (int64_t j = 0; j < whole->columns; j += PANEL) {
        work.copy = whole->copy, work.out = whole->out + j;
        work.right = whole->right ? whole->right + j : NULL;
        work.rows = whole->rows;
        for (int h = 0; work.rows > 0; h++) {
            const int64_t high = sg_gemm_heights[h];
            for (; work.rows >= high; work.rows -= high) {
                tiles[h](&work);
                work.copy += high * work.depth, work.out += high * work.out_step;
                work.left = work.left ? work.left + high * work.left_step : NULL;
                if (work.packed) /* by the first of them */
                    work.right = NULL;
            }
        }
        work.left = NULL;
        work.packed = work.packed ? work.packed + PANEL * work.depth : NULL;
    }
}

#undef slab
#undef PANEL
