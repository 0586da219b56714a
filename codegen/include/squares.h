/* Squares of as many vectors as a vector has lanes, and how they are transposed.

   A vector is made of blocks of 16 bytes. Machines are quicker to move numbers within
   their blocks, or blocks as they are, than to move numbers from anywhere to anywhere.
   So first the squares within blocks are transposed, number by number and then pair by
   pair, and at last the blocks. */
#ifndef SYMGRAPH_SQUARES_H
#define SYMGRAPH_SQUARES_H

#include "halves.h"

/* Of each block of two vectors: the lower halves in turn, and the upper halves. Of both
   vectors together: the blocks with even and those with odd numbers. */
#if SG_VECTOR_BYTES == 64
#define SG_IN_LOWER_f32 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29
#define SG_IN_UPPER_f32 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31
#define SG_IN_LOWER_f64 0, 8, 2, 10, 4, 12, 6, 14
#define SG_IN_UPPER_f64 1, 9, 3, 11, 5, 13, 7, 15
#define SG_EVEN_BLOCKS 0, 1, 4, 5, 8, 9, 12, 13
#define SG_ODD_BLOCKS 2, 3, 6, 7, 10, 11, 14, 15
#elif SG_VECTOR_BYTES == 32
#define SG_IN_LOWER_f32 0, 8, 1, 9, 4, 12, 5, 13
#define SG_IN_UPPER_f32 2, 10, 3, 11, 6, 14, 7, 15
#define SG_IN_LOWER_f64 0, 4, 2, 6
#define SG_IN_UPPER_f64 1, 5, 3, 7
#define SG_EVEN_BLOCKS 0, 1, 4, 5
#define SG_ODD_BLOCKS 2, 3, 6, 7
#else
#define SG_IN_LOWER_f32 SG_LOWER_4
#define SG_IN_UPPER_f32 SG_UPPER_4
#define SG_IN_LOWER_f64 SG_LOWER_2
#define SG_IN_UPPER_f64 SG_UPPER_2
#define SG_EVEN_BLOCKS 0, 1 /* the only one of a: nothing moves */
#define SG_ODD_BLOCKS 2, 3
#endif

/* (a, b) = (what is ``first`` in both, what is ``second``) */
#define SG_EXCHANGE(s, name, first, second)                                            \
    SG_INLINE void sg_exchange_##name(sg_##s##v *a, sg_##s##v *b)                      \
    {                                                                                  \
        const sg_##s##v before = *a;                                                   \
        *a = SG_SHUFFLE(before, *b, sg_##s##m, first);                                 \
        *b = SG_SHUFFLE(before, *b, sg_##s##m, second);                                \
    }

SG_EXCHANGE(f32, f32, SG_IN_LOWER_f32, SG_IN_UPPER_f32)
SG_EXCHANGE(f64, f64, SG_IN_LOWER_f64, SG_IN_UPPER_f64)
SG_EXCHANGE(f64, blocks, SG_EVEN_BLOCKS, SG_ODD_BLOCKS)

/* The blocks of every ``numbers``-th row, for each of so many first rows. */
SG_INLINE void sg_transpose_blocks(sg_f64v *rows, int numbers)
{
    enum { blocks = SG_VECTOR_BYTES / 16 };
    SG_UNROLL
    for (int by = 1; by < blocks; by *= 2)
        SG_UNROLL
        for (int at = 0; at < blocks; at++)
            SG_UNROLL
            for (int row = 0; row < numbers; row++)
                if (!(at & by))
                    sg_exchange_blocks(rows + at * numbers + row,
                                       rows + (at + by) * numbers + row);
}

SG_INLINE void sg_transpose_f64(sg_f64v *rows)
{
    SG_UNROLL
    for (int row = 0; row < sg_lanes_f64; row += 2)
        sg_exchange_f64(rows + row, rows + row + 1);
    sg_transpose_blocks(rows, 2);
}

SG_INLINE void sg_transpose_f32(sg_f32v *rows)
{
    sg_f64v pairs[sg_lanes_f32];
    SG_UNROLL
    for (int row = 0; row < sg_lanes_f32; row += 2) {
        const int place = row - row % 4 / 2; /* of four rows, 0 and 2 go beside */
        sg_exchange_f32(rows + row, rows + row + 1);
        pairs[place] = (sg_f64v)rows[row];
        pairs[place + 2] = (sg_f64v)rows[row + 1];
    }
    SG_UNROLL
    for (int row = 0; row < sg_lanes_f32; row += 2)
        sg_exchange_f64(pairs + row, pairs + row + 1);
    sg_transpose_blocks(pairs, 4);
    SG_UNROLL
    for (int row = 0; row < sg_lanes_f32; row++)
        rows[row] = (sg_f32v)pairs[row];
}

/* to[j][i] = from[i][j] in a square, of which the first ``high`` rows are there, the
   others zero, and ``wide`` columns are wanted; rows ``step`` and ``to_step`` apart. */
#define SG_TURN_HEAD(T, s)                                                             \
    SG_COMMON void sg_turn_##s(const T *from, int64_t step, int64_t high, T *to,       \
                               int64_t to_step, int64_t wide)
#define SG_TURN(T, s)                                                                  \
    SG_TURN_HEAD(T, s)                                                                 \
    {                                                                                  \
        sg_##s##v rows[sg_lanes_##s];                                                  \
        SG_UNROLL                                                                      \
        for (int i = 0; i < sg_lanes_##s; i++)                                         \
            rows[i] = i < high ? sg_load_##s(from + i * step) : (sg_##s##v){0};        \
        sg_transpose_##s(rows);                                                        \
        SG_UNROLL                                                                      \
        for (int j = 0; j < sg_lanes_##s; j++)                                         \
            if (j < wide)                                                              \
                sg_store_##s(to + j * to_step, rows[j]);                               \
    }

#endif
