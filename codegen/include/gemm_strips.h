/* Strips of rows times panels of columns. Included for each type, after the tiles. */

#define half SG_GEMM(half)
#define strip SG_GEMM(strip)
#define PANEL (2 * SG_LANES)

/* The columns of one panel times every strip of rows, each in the fewest tiles. */
SG_INLINE void SG_GEMM(down)(const strip *whole, SG_GEMM(tile_function) *const *tiles)
{
    strip work = *whole;
    int64_t first = 0, next = 0;
    for (int64_t s = 0; s < whole->strips; s++, first = next) {
        next = sg_gemm_strip_start(s + 1, whole->strips, whole->rows);
        work.rows = next - first;
        work.left = whole->left + s * whole->strip_step;
        work.out = whole->out + first * whole->out_step;
        if (whole->strip_step == 0)
            work.left += first * whole->row_step;
#if SG_GEMM_GROUPS
        else if (whole->right_step == PANEL) /* its part of the next panel */
            work.soon = s * whole->depth * PANEL / SG_SHARING;
#endif
        for (int h = 0; work.rows > 0; h++) {
            const int64_t high = sg_gemm_heights[h];
            for (; work.rows >= high; work.rows -= high) {
                tiles[h](&work);
                work.left += high * work.row_step, work.out += high * work.out_step;
            }
        }
    }
}

/* All strips of rows, for ``panels`` panels of columns one after another: a panel of the
   right operand is read from the first-level cache by all strips but the first. ``work``
   goes on to the columns that are left. */
SG_INLINE void SG_GEMM(across)(strip *work, int64_t panels)
{
    static SG_GEMM(tile_function) *const wide[] = SG_HEIGHTS(wide);
    for (int64_t panel = 0; panel < panels; panel++, work->columns -= PANEL) {
        SG_GEMM(down)(work, wide);
        work->right += work->panel_step, work->out += PANEL;
    }
}

SG_COMMON void SG_GEMM(strips)(const strip *whole)
{
    static SG_GEMM(tile_function) *const single[] = SG_HEIGHTS(single);
#if SG_VECTOR_BYTES == 64
    static SG_GEMM(tile_function) *const narrow[] = SG_HEIGHTS(narrow);
#else
    SG_GEMM(tile_function) *const *const narrow = single;
#endif
    strip work = *whole;
    SG_GEMM(across)(&work, work.columns / PANEL);
    for (; work.columns > SG_LANES / 2; work.columns -= SG_LANES) {
        SG_GEMM(down)(&work, single);
        work.right += SG_LANES, work.out += SG_LANES;
    }
    if (work.columns > 0)
        SG_GEMM(down)(&work, narrow);
}

#if SG_GEMM_EDGES && SG_FLOAT32 && SG_VECTOR_BYTES == 64
/* All panels, the last one with up to four columns behind it; false if there are none,
   or where a column's numbers of the left operand do not lie side by side. */
SG_INLINE bool SG_GEMM(turned_edge)(const strip *whole)
{
    static SG_GEMM(tile_function) *const turned[] = SG_HEIGHTS(turned);
    const int64_t panels = whole->columns / PANEL, rest = whole->columns % PANEL;
    if (panels == 0 || rest == 0 || rest > SG_GEMM_FEW || whole->row_step != 1)
        return false;
    strip work = *whole;
    SG_GEMM(across)(&work, panels - 1);
    SG_GEMM(down)(&work, turned);
    return true;
}
#else
SG_INLINE bool SG_GEMM(turned_edge)(const strip *whole) { return !whole; }
#endif

/* Where column ``column`` of a right block lies. */
SG_INLINE const SG_REAL *SG_GEMM(column)(const SG_REAL *right, int64_t column,
                                         int64_t panel_step)
{
    return right + column / PANEL * panel_step + column % PANEL;
}

/* How many columns behind the last whole vector have tiles of their own. */
SG_INLINE int64_t SG_GEMM(behind)(int64_t columns)
{
    const int64_t rest = columns % SG_LANES;
    return SG_GEMM_EDGES && rest <= SG_GEMM_FEW ? rest : 0;
}

SG_COMMON void SG_GEMM(last_columns)(int64_t columns, int64_t depth,
                                     const SG_REAL *right, int64_t right_step,
                                     int64_t panel_step, SG_REAL *to)
{
#if SG_GEMM_EDGES
    const int64_t rest = SG_GEMM(behind)(columns);
    if (rest == 0)
        return;
    right = SG_GEMM(column)(right, columns - rest, panel_step);
    for (; depth > 0; depth -= SG_GEMM(steps), to += SG_LANES) {
        SG_OF(store)(to, SG_GEMM(steps_at)(right, right_step, depth, rest));
        right = SG_GEMM(ahead)(right, SG_GEMM(steps) * right_step);
    }
#else
    (void)columns, (void)depth, (void)right, (void)right_step, (void)panel_step, (void)to;
#endif
}

SG_COMMON void SG_GEMM(edges)(const strip *whole)
{
    if (SG_GEMM(turned_edge)(whole))
        return;
    const bool known = whole->last || (SG_VECTOR_BYTES == 32 && whole->row_step == 1);
    const int64_t rest = known ? SG_GEMM(behind)(whole->columns) : 0;
    strip work = *whole;
    work.columns -= rest;
    SG_GEMM(strips)(&work);
#if SG_GEMM_EDGES
    static SG_GEMM(tile_function) *const few[] = SG_HEIGHTS(few);
    if (rest) {
        work.right = SG_GEMM(column)(work.right, work.columns, work.panel_step);
        work.out += work.columns, work.columns = rest;
        SG_GEMM(down)(&work, few);
    }
#endif
}

/* From now on the left operand is what was copied, strip after strip. */
SG_INLINE void SG_GEMM(as_copied)(strip *work, const SG_REAL *copy)
{
    work->left = copy;
    work->row_step = 1, work->depth_step = SG_GEMM_ROWS;
    work->strip_step = SG_GEMM_ROWS * work->depth;
}

/* Copy the left operand with nothing beside it. */
SG_INLINE void SG_GEMM(copy_strips)(strip *work, SG_REAL *copy)
{
    SG_GEMM(copy_columns)(work->rows, work->strips, work->depth, work->left,
                          work->depth_step, copy);
    SG_GEMM(as_copied)(work, copy);
}

#if SG_VECTOR_BYTES == 64
/* A tile of all rows and two vectors, of a transposed left operand that it copies. A
   line copied beside each step of k costs little of what copying before would cost. */
SG_SHARED void SG_GEMM(copying_tile)(const strip *work, SG_REAL *copy)
{
    const int64_t depth_step = work->depth_step, right_step = work->right_step;
    const SG_REAL *left = work->left, *right = work->right;
    vector sums[SG_GEMM_ROWS][2];
    SG_UNROLLED (int i = 0; i < SG_GEMM_ROWS; i++)
        SG_UNROLLED (int v = 0; v < 2; v++)
            sums[i][v] = (vector){0};
    SG_UNROLLED (int i = 0; i < SG_GEMM_ROWS; i++)
        SG_UNROLLED (int v = 0; v < 2; v++)
            __builtin_prefetch(work->out + i * work->out_step + v * SG_LANES, 1, 3);
    for (int64_t p = 0; p < work->depth; p++) {
        vector across[2];
        SG_UNROLLED (int v = 0; v < 2; v++)
            across[v] = SG_OF(load)(right + v * SG_LANES);
        SG_UNROLLED (int i = 0; i < SG_GEMM_ROWS; i += SG_LANES) {
            const int some = SG_GEMM_ROWS - i < SG_LANES ? SG_GEMM_ROWS - i : SG_LANES;
            SG_GEMM(store_part)(copy + i, SG_GEMM(load_part)(left + i, some), some);
        }
        SG_GEMM(fetch)(left, 16 * depth_step); /* the two lines that they may lie in */
        SG_GEMM(fetch)(left, 16 * depth_step + SG_GEMM_ROWS - 1);
        SG_UNROLLED (int i = 0; i < SG_GEMM_ROWS; i++)
            SG_UNROLLED (int v = 0; v < 2; v++)
                sums[i][v] += left[i] * across[v];
        left = SG_GEMM(ahead)(left, depth_step), copy += SG_GEMM_ROWS;
        right = SG_GEMM(ahead)(right, right_step);
    }
    SG_REAL *out = work->out;
    SG_UNROLLED (int i = 0; i < SG_GEMM_ROWS; i++, out += work->out_step)
        SG_UNROLLED (int v = 0; v < 2; v++)
            SG_GEMM(put)(out + v * SG_LANES, sums[i][v], SG_LANES, work->add);
}
#endif

/* Copy a transposed left operand, beside the multiplications by the first panel of
   columns if that is whole and tiles are tall. ``whole`` goes on to the columns that are
   left, and to what was copied. */
SG_COMMON void SG_GEMM(copy_beside)(strip *whole, SG_REAL *copy)
{
#if SG_VECTOR_BYTES == 64
    static SG_GEMM(tile_function) *const wide[] = SG_HEIGHTS(wide);
    if (whole->columns >= PANEL) {
        int64_t first = 0, next = 0;
        for (int64_t s = 0; s < whole->strips; s++, first = next) {
            next = sg_gemm_strip_start(s + 1, whole->strips, whole->rows);
            strip work = *whole;
            work.rows = next - first, work.strips = 1, work.left += first;
            work.out += first * whole->out_step;
            SG_REAL *const to = copy + s * SG_GEMM_ROWS * whole->depth;
            if (work.rows == SG_GEMM_ROWS) {
                SG_GEMM(copying_tile)(&work, to);
            } else {
                SG_GEMM(copy_strips)(&work, to);
                SG_GEMM(down)(&work, wide);
            }
        }
        SG_GEMM(as_copied)(whole, copy);
        whole->columns -= PANEL, whole->right += whole->panel_step;
        whole->out += PANEL;
        return;
    }
#endif
    SG_GEMM(copy_strips)(whole, copy);
}
#undef SG_HEIGHTS

#undef half
#undef strip
#undef PANEL
