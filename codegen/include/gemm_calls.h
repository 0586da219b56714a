/* What programs call of products of one type. Included by gemm.h for each. */

#define strip SG_GEMM(strip)
#define slab SG_GEMM(slab)

/* out[i][j] (+)= sum_p left[i][p] right[p][j], steps counted in elements:

   left[i][p] lies at i * row_step + p * depth_step, right[p][j] at p * right_step +
   j / PANEL * panel_step + j % PANEL, out[i][j] at i * out_step + j. The rows are dealt
   out to ``strips`` as ``sg_gemm_strip_start`` says; where strip_step is not 0, strip s
   of the left operand begins at s * strip_step. */
typedef struct strip {
    int64_t rows, strips, columns, depth;
    const SG_REAL *left;
    int64_t row_step, depth_step, strip_step;
    const SG_REAL *right;
    int64_t right_step, panel_step;
    SG_REAL *out;
    int64_t out_step;
    bool add;     /* to what out holds; else it is overwritten */
    int64_t soon; /* numbers from the left operand to what is read in its place next; in
                     groups of steps with both operands packed, from the next panel */
    const SG_REAL *last; /* the columns behind the last vector, by ``last_columns`` */
} strip;

/* out[i][j] (+)= sum_p left[i][p] right[p][j], for whole panels of columns and whole
   vectors of k. left[i][p] lies at i * left_step + p, and is copied to ``copy``: for each
   vector of k, one after the other, that of every row of a tile. right[p][j] lies at
   p * right_step + j, and is copied to ``packed``, panel after panel. Where ``left`` or
   ``right`` is NULL it is there already. */
typedef struct slab {
    int64_t rows, columns, depth;
    const SG_REAL *left;
    int64_t left_step;
    const SG_REAL *right;
    int64_t right_step;
    SG_REAL *copy, *packed, *out;
    int64_t out_step;
    bool add; /* to what out holds; else it is overwritten */
} slab;

/* All strips of rows times any number of columns: in panels, vectors and what is left. */
void SG_GEMM(strips)(const strip *whole);

/* The same with the last one to four columns in tiles of their own, where the target has
   them: after the others, which wait less for the rows of the left operand. */
void SG_GEMM(edges)(const strip *whole);

/* Bring the last of ``columns`` of a right block in the order in which those tiles read
   them, once for all strips of rows. */
void SG_GEMM(last_columns)(int64_t columns, int64_t depth, const SG_REAL *right,
                           int64_t right_step, int64_t panel_step, SG_REAL *to);

/* Copy a transposed left operand, beside the multiplications by the first panel of
   columns if that is whole and tiles are tall. ``whole`` goes on to the columns that are
   left, and to what was copied. */
void SG_GEMM(copy_beside)(strip *whole, SG_REAL *copy);

/* All rows of a strip times one panel after another; AVX-512 alone has it. */
void SG_GEMM(by_slabs)(const slab *whole);

/* from[p][j], or from[j][p], -> panels of the ``columns`` from j on, ``panel_step``
   apart. */
void SG_GEMM(pack_rows)(int64_t columns, int64_t depth, const SG_REAL *from, int64_t step,
                        SG_REAL *to, int64_t panel_step);
void SG_GEMM(pack_columns)(int64_t columns, int64_t depth, const SG_REAL *from,
                           int64_t step, SG_REAL *to, int64_t panel_step);

/* Rows of the left operand, each depth long, ``to_step`` apart. */
void SG_GEMM(copy_rows)(int64_t rows, int64_t depth, const SG_REAL *from, int64_t step,
                        SG_REAL *to, int64_t to_step);

/* Rows of a transposed left operand, strip after strip: ``depth`` times SG_GEMM_ROWS
   numbers, as many of them used as the strip has rows. */
void SG_GEMM(copy_columns)(int64_t rows, int64_t strips, int64_t depth,
                           const SG_REAL *from, int64_t step, SG_REAL *to);

/* A strip of rows in that order, and some strips of them, one after another. */
void SG_GEMM(turn_rows)(int64_t rows, int64_t depth, const SG_REAL *from, int64_t step,
                        SG_REAL *to);
void SG_GEMM(turn_strips)(int64_t rows, int64_t strips, int64_t depth,
                          const SG_REAL *from, int64_t step, SG_REAL *to);

/* out[i][j] = sum_p left[i][p] right[j][p] for one to four columns j, both operands
   contiguous in p. */
#define SG_DOTS_HEAD(COLUMNS)                                                          \
    void SG_GEMM(dots_##COLUMNS)(                                                      \
        int64_t rows, int64_t depth, const SG_REAL *left, int64_t left_step,           \
        const SG_REAL *right, int64_t right_step, SG_REAL *out, int64_t row_step,      \
        int64_t column_step)
SG_DOTS_HEAD(1);
SG_DOTS_HEAD(2);
SG_DOTS_HEAD(3);
SG_DOTS_HEAD(4);
#undef SG_DOTS_HEAD

/* to[j][p] = from[p][j], for the few columns of dots. */
SG_INLINE void SG_GEMM(turn)(int64_t columns, int64_t depth, const SG_REAL *from,
                             int64_t step, SG_REAL *to)
{
    for (int64_t j = 0; j < columns; j++)
        for (int64_t p = 0; p < depth; p++)
            to[j * depth + p] = from[p * step + j];
}

/* out[j] = sum_p left[p] right[p][j]. */
void SG_GEMM(row)(int64_t columns, int64_t depth, const SG_REAL *restrict left,
                  const SG_REAL *restrict right, int64_t step, SG_REAL *restrict out);

#undef strip
#undef slab
