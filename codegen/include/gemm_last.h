/* The tile of up to four last columns, where the left operand's numbers of a row lie
   side by side: some of them meet all columns at once. How they are repeated over a
   vector, and how its lanes become sums, the header says that includes this one. */

/* As many steps of k as a vector has; of rows of which ``count`` numbers are left. */
SG_INLINE void SG_GEMM(few_steps)(const int rows, int64_t count, vector *sums,
                                  const SG_REAL **left, int64_t row_step, vector across)
{
    SG_UNROLLED (int i = 0; i < rows; i++) {
        const SG_REAL *row = SG_GEMM(ahead)(left[i / 3], i % 3 * row_step);
        sums[i] += SG_GEMM(repeated)(row, count) * across;
    }
    SG_UNROLLED (int i = 0; i < rows; i += 3)
        left[i / 3] += SG_GEMM(steps);
}

/* The tile of ``rows`` rows; the columns lie at ``last``. */
SG_INLINE void SG_GEMM(few_rows)(const int rows, const strip *work)
{
    enum { steps = SG_GEMM(steps) };
    const int64_t row_step = work->row_step;
    const SG_REAL *last = work->last, *left[SG_GEMM_ROWS / 3];
    vector sums[SG_GEMM_ROWS];
    SG_UNROLLED (int i = 0; i < SG_GEMM_ROWS; i++)
        sums[i] = (vector){0};
    SG_UNROLLED (int i = 0; i < rows; i += 3)
        left[i / 3] = SG_GEMM(ahead)(work->left, i * row_step);
    int64_t rest = work->depth;
    for (; rest >= steps; rest -= steps, last += SG_LANES)
        SG_GEMM(few_steps)(rows, steps, sums, left, row_step, SG_OF(load)(last));
    if (rest > 0)
        SG_GEMM(few_steps)(rows, rest, sums, left, row_step, SG_OF(load)(last));
    SG_GEMM(put_sums)(rows, sums, work);
}
