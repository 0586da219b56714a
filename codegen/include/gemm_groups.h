/* The higher tiles where vectors are narrow: four steps of k at once.

   Such a step has few multiply-adds, and what is beside them counts: moving pointers,
   counting, comparing. It costs nothing where nobody else uses the core, but threads
   that share one share what it starts in a cycle. Here a group of steps has it once;
   within a group, operands lie at constant distances. Included for each type. */

/* Either the numbers of a row of the left operand lie side by side or those of a
   column: what is a constant then costs no register. All steps are constants where both
   operands are packed. */
#define SG_GROUPS(ROWS)                                                                \
    SG_SHARED void SG_GEMM(by_rows_##ROWS)(const strip *work)                          \
    {                                                                                  \
        SG_GEMM(tile)(ROWS, 2, SG_GROUP, work, work->row_step, 1, work->right_step,    \
                      work->soon, false);                                              \
    }                                                                                  \
    SG_SHARED void SG_GEMM(by_columns_##ROWS)(const strip *work)                       \
    {                                                                                  \
        SG_GEMM(tile)(ROWS, 2, SG_GROUP, work, 1, work->depth_step, work->right_step,  \
                      work->soon, false);                                              \
    }                                                                                  \
    SG_SHARED void SG_GEMM(packed_##ROWS)(const strip *work)                           \
    {                                                                                  \
        SG_GEMM(tile)(ROWS, 2, SG_GROUP, work, 1, SG_GEMM_ROWS, PANEL, 0, true);       \
    }                                                                                  \
    SG_SHARED void SG_GEMM(wide_##ROWS)(const strip *work)                             \
    {                                                                                  \
        if (work->depth_step == 1)                                                     \
            SG_GEMM(by_rows_##ROWS)(work);                                             \
        else if (work->depth_step == SG_GEMM_ROWS && work->right_step == PANEL)        \
            SG_GEMM(packed_##ROWS)(work);                                              \
        else                                                                           \
            SG_GEMM(by_columns_##ROWS)(work);                                          \
    }

SG_GROUPS(6)
SG_GROUPS(4)
SG_SINGLE(6)
SG_SINGLE(4)
#undef SG_GROUPS
