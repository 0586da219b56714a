/* Operands copied to where register tiles read them. Included for each type.

   The right operand is packed in panels two vectors wide, one row of a panel after
   the other; columns that are not there are zero up to a whole vector. The left
   operand keeps its order and only leaves its stride, which may put all rows of a
   tile in the same few cache lines. */

#define PANEL (2 * SG_LANES)

#if SG_GEMM_GROUPS
/* ``depth`` rows of one panel. */
SG_INLINE void SG_GEMM(pack_panel)(int64_t columns, int64_t depth, const SG_REAL *from,
                                   int64_t step, SG_REAL *to)
{
    for (; depth > 0; depth--, from += step, to += PANEL) {
        int64_t j = 0;
        for (; j + SG_LANES <= columns; j += SG_LANES)
            SG_OF(store)(to + j, SG_OF(load)(from + j));
        if (j < columns)
            SG_OF(store)(to + j, SG_GEMM(load_part)(from + j, columns - j));
    }
}

/* from[p][j] -> panels of the ``columns`` from j on, ``panel_step`` apart. Some rows at
   once: of a line of each panel in turn, all lines may fall into one set of the cache. */
SG_COMMON void SG_GEMM(pack_rows)(
    int64_t columns, int64_t depth, const SG_REAL *from, int64_t step, SG_REAL *to,
    int64_t panel_step)
{
    enum { most = 16 };
    for (; depth > 0; depth -= most, from += most * step, to += most * PANEL) {
        const int64_t deep = sg_min(depth, most), whole = columns / PANEL;
        for (int64_t t = 0; t < whole; t++)
            SG_GEMM(pack_panel)(PANEL, deep, from + t * PANEL, step, to + t * panel_step);
        if (columns > whole * PANEL)
            SG_GEMM(pack_panel)(columns % PANEL, deep, from + whole * PANEL, step,
                                to + whole * panel_step);
    }
}
#else
/* from[p][j] -> panels of the ``columns`` from j on, ``panel_step`` apart. */
SG_COMMON void SG_GEMM(pack_rows)(
    int64_t columns, int64_t depth, const SG_REAL *from, int64_t step, SG_REAL *to,
    int64_t panel_step)
{
    for (int64_t p = 0; p < depth; p++, from += step, to += PANEL) {
        int64_t j = 0;
        for (; j + SG_LANES <= columns; j += SG_LANES)
            SG_OF(store)(to + j / PANEL * panel_step + j % PANEL,
                           SG_OF(load)(from + j));
        if (j < columns)
            SG_OF(store)(to + j / PANEL * panel_step + j % PANEL,
                           SG_GEMM(load_part)(from + j, columns - j));
    }
}

#endif

/* One square of from[j][p], ``high`` by ``wide`` of it there, to ``to`` rows p of
   ``count`` numbers. Where those follow each other, what is too much of a whole vector
   is overwritten by the next row. */
SG_INLINE void SG_GEMM(pack_square)(int64_t high, int64_t wide, const SG_REAL *from,
                                    int64_t step, SG_REAL *to, int64_t to_step,
                                    int64_t count)
{
    vector rows[SG_LANES];
    SG_UNROLLED (int j = 0; j < SG_LANES; j++) {
        rows[j] = (vector){0};
        if (j < high)
            rows[j] = wide < SG_LANES ? SG_GEMM(load_part)(from + j * step, wide)
                                      : SG_OF(load)(from + j * step);
    }
    SG_OF(transpose)(rows);
    const bool follow = SG_GEMM_GROUPS && to_step == count;
    SG_UNROLLED (int p = 0; p < SG_LANES; p++)
        if (p < wide && (count == SG_LANES || (follow && p + 1 < wide)))
            SG_OF(store)(to + p * to_step, rows[p]);
        else if (p < wide)
            SG_GEMM(store_part)(to + p * to_step, rows[p], count);
}

/* from[j][p] -> panels of the ``columns`` from j on, ``panel_step`` apart. */
SG_COMMON void SG_GEMM(pack_columns)(
    int64_t columns, int64_t depth, const SG_REAL *from, int64_t step, SG_REAL *to,
    int64_t panel_step)
{
    for (int64_t j = 0; j < columns; j += SG_LANES) {
        SG_REAL *panel = to + j / PANEL * panel_step + j % PANEL;
        const int64_t high = sg_min(columns - j, SG_LANES);
        for (int64_t p = 0; p < depth; p += SG_LANES)
            SG_GEMM(pack_square)(high, sg_min(depth - p, SG_LANES),
                                 from + j * step + p, step, panel + p * PANEL, PANEL,
                                 SG_LANES);
    }
}

/* Rows of the left operand, each depth long, ``to_step`` apart. The rows that are
   next in turn start on their way to the cache: in short pieces of far rows no
   hardware sees a pattern. */
SG_COMMON void SG_GEMM(copy_rows)(
    int64_t rows, int64_t depth, const SG_REAL *from, int64_t step, SG_REAL *to,
    int64_t to_step)
{
    for (int64_t i = 0; i < rows; i++) {
        const uintptr_t next = (uintptr_t)(from + i * step)
                               + (uintptr_t)(rows * step) * sizeof(SG_REAL);
        for (int64_t p = 0; p < depth; p += SG_LANES)
            __builtin_prefetch((const void *)(next + p * sizeof(SG_REAL)), 0, 2);
        memcpy(to + i * to_step, from + i * step, (size_t)depth * sizeof(SG_REAL));
    }
}

/* A strip of rows, as the next function leaves it. */
SG_COMMON void SG_GEMM(turn_rows)(int64_t rows, int64_t depth, const SG_REAL *from,
                                  int64_t step, SG_REAL *to)
{
    for (int64_t p = 0; p < depth; p += SG_LANES)
        for (int64_t i = 0; i < SG_GEMM_ROWS; i += SG_LANES)
            SG_GEMM(pack_square)(rows - i, sg_min(depth - p, SG_LANES),
                                 from + i * step + p, step, to + p * SG_GEMM_ROWS + i,
                                 SG_GEMM_ROWS, sg_min(SG_GEMM_ROWS - i, SG_LANES));
}

#if SG_GEMM_GROUPS
/* Some strips of rows, one after another. */
SG_COMMON void SG_GEMM(turn_strips)(int64_t rows, int64_t strips, int64_t depth,
                                    const SG_REAL *from, int64_t step, SG_REAL *to)
{
    for (int64_t s = 0; s < strips; s++, to += depth * SG_GEMM_ROWS) {
        const int64_t first = sg_gemm_strip_start(s, strips, rows);
        const int64_t high = sg_gemm_strip_start(s + 1, strips, rows) - first;
        SG_GEMM(turn_rows)(high, depth, from + first * step, step, to);
    }
}
#endif

/* Rows of a transposed left operand, strip after strip: ``depth`` times SG_GEMM_ROWS
   numbers, as many of them used as the strip has rows. Rows of memory are far from each
   other, so what as many strips read after these is asked for. */
SG_COMMON void SG_GEMM(copy_columns)(
    int64_t rows, int64_t strips, int64_t depth, const SG_REAL *from, int64_t step,
    SG_REAL *to)
{
    const int64_t soon = strips * SG_GEMM_ROWS;
    for (int64_t s = 0; s < strips; s++, to += depth * SG_GEMM_ROWS) {
        const int64_t first = sg_gemm_strip_start(s, strips, rows);
        const int64_t high = sg_gemm_strip_start(s + 1, strips, rows) - first;
        const SG_REAL *start = from + first;
        if (high == SG_GEMM_ROWS)
            for (int64_t p = 0; p < depth; p++) {
                SG_GEMM(fetch)(start, p * step + soon);
                memcpy(to + p * SG_GEMM_ROWS, start + p * step,
                       SG_GEMM_ROWS * sizeof(SG_REAL));
            }
        else
            for (int64_t p = 0; p < depth; p++)
                for (int64_t i = 0; i < high; i++)
                    to[p * SG_GEMM_ROWS + i] = start[p * step + i];
    }
}
