/* Tiles of all rows where vectors are narrow: four steps of k at once.

   Such a step has few multiply-adds, and what is beside them counts: moving pointers,
   counting, comparing. It costs nothing where nobody else uses the core, but threads
   that share one share what it starts in a cycle. Here a group of steps has it once;
   within a group, operands lie at constant distances. Included for each type. */

#define SG_GROUP 4 /* steps of k */

/* The numbers of a row of the left operand lie side by side. */
SG_SHARED void SG_GEMM(wide_rows)(const strip *work)
{
    SG_GEMM(tile)(6, 2, SG_GROUP, work, work->row_step, 1);
}

/* Those of a column do. */
SG_SHARED void SG_GEMM(wide_columns)(const strip *work)
{
    SG_GEMM(tile)(6, 2, SG_GROUP, work, 1, work->depth_step);
}

/* One of the two is so. */
SG_SHARED void SG_GEMM(wide_6)(const strip *work)
{
    if (work->depth_step == 1)
        SG_GEMM(wide_rows)(work);
    else
        SG_GEMM(wide_columns)(work);
}

SG_GEMM_TILE(single, 6, strip, SG_GEMM(any_tile)(6, 1, work))

#undef SG_GROUP
