/* Squares of as many vectors as a vector has lanes, and how they are transposed. */
#ifndef SYMGRAPH_SQUARES_H
#define SYMGRAPH_SQUARES_H

#include "vectors.h"

/* Lanes chosen from two vectors: SG_LOWER_n alternates the lower halves of a and b,
   SG_UPPER_n the upper halves. */
#define SG_LOWER_2 0, 2
#define SG_UPPER_2 1, 3
#define SG_LOWER_4 0, 4, 1, 5
#define SG_UPPER_4 2, 6, 3, 7
#define SG_LOWER_8 0, 8, 1, 9, 2, 10, 3, 11
#define SG_UPPER_8 4, 12, 5, 13, 6, 14, 7, 15
#define SG_LOWER_16 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define SG_UPPER_16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#if defined(__clang__) || __GNUC__ >= 12
#define SG_SHUFFLE(a, b, index, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SG_SHUFFLE(a, b, index, ...) __builtin_shuffle(a, b, (index){__VA_ARGS__})
#endif

/* ``lower`` and ``upper`` are the places for this many lanes. In ``transpose`` each
   turn moves the highest bit of the place (row, lane) to its lowest, so after as many
   turns as a place has bits, row and lane are swapped. */
#define SG_SQUARE(s, lower, upper)                                                     \
    SG_INLINE sg_##s##v sg_lower_##s(sg_##s##v a, sg_##s##v b)                         \
    {                                                                                  \
        return SG_SHUFFLE(a, b, sg_##s##m, lower);                                     \
    }                                                                                  \
    SG_INLINE sg_##s##v sg_upper_##s(sg_##s##v a, sg_##s##v b)                         \
    {                                                                                  \
        return SG_SHUFFLE(a, b, sg_##s##m, upper);                                     \
    }                                                                                  \
    SG_INLINE void sg_transpose_##s(sg_##s##v *rows)                                   \
    {                                                                                  \
        enum { half = sg_lanes_##s / 2 };                                              \
        SG_UNROLL                                                                      \
        for (int turn = 1; turn < sg_lanes_##s; turn *= 2) {                           \
            sg_##s##v mixed[sg_lanes_##s];                                             \
            SG_UNROLL                                                                  \
            for (int r = 0; r < half; r++) {                                           \
                mixed[2 * r] = sg_lower_##s(rows[r], rows[r + half]);                  \
                mixed[2 * r + 1] = sg_upper_##s(rows[r], rows[r + half]);              \
            }                                                                          \
            SG_UNROLL                                                                  \
            for (int r = 0; r < sg_lanes_##s; r++)                                     \
                rows[r] = mixed[r];                                                    \
        }                                                                              \
    }

#if SG_VECTOR_BYTES == 64
SG_SQUARE(f32, SG_LOWER_16, SG_UPPER_16)
SG_SQUARE(f64, SG_LOWER_8, SG_UPPER_8)
#elif SG_VECTOR_BYTES == 32
SG_SQUARE(f32, SG_LOWER_8, SG_UPPER_8)
SG_SQUARE(f64, SG_LOWER_4, SG_UPPER_4)
#else
SG_SQUARE(f32, SG_LOWER_4, SG_UPPER_4)
SG_SQUARE(f64, SG_LOWER_2, SG_UPPER_2)
#endif

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
