/* Winograd's minimal filtering the other way, on the points of ``winograd.h``.

   Where y = A' ((G g) * (B' d)), the gradient of d is the transpose of that,

       dd = B ((G g) * (A dy)),

   all that m of dy have seen, from as many products. */
#ifndef SYMGRAPH_WINOGRAD_TRANSPOSED_H
#define SYMGRAPH_WINOGRAD_TRANSPOSED_H

#include "winograd.h"

#define SG_WINOGRAD_TRANSPOSED_LINES(T, s)                                             \
    /* A d, of at least two numbers */                                                 \
    SG_INLINE void sg_winograd_spread6_##s(const sg_##s##v *d, int count, sg_##s##v *z)\
    {                                                                                  \
        z[0] = d[0];                                                                   \
        sg_winograd_pair_##s(d, count, 1, 1, z + 1);                                   \
        sg_winograd_pair_##s(d, count, 2, 1, z + 3);                                   \
        z[5] = d[count - 1];                                                           \
    }                                                                                  \
    SG_INLINE void sg_winograd_spread8_##s(const sg_##s##v *d, int count, sg_##s##v *z)\
    {                                                                                  \
        sg_winograd_spread6_##s(d, count, z);                                          \
        sg_winograd_pair_##s(d, count, (T)0.5, 1, z + 5);                              \
        z[7] = d[count - 1];                                                           \
    }                                                                                  \
    /* B z */                                                                          \
    SG_INLINE void sg_winograd_seen6_##s(const sg_##s##v *z, sg_##s##v *y)             \
    {                                                                                  \
        const sg_##s##v even = z[1] + z[2], odd = z[1] - z[2];                         \
        const sg_##s##v evener = z[3] + z[4], odder = z[3] - z[4];                     \
        y[0] = 4 * z[0];                                                               \
        y[1] = 4 * (z[5] - odd) - 2 * odder;                                           \
        y[2] = -5 * z[0] - 4 * even - evener;                                          \
        y[3] = odd + 2 * odder - 5 * z[5];                                             \
        y[4] = z[0] + even + evener;                                                   \
        y[5] = z[5];                                                                   \
    }                                                                                  \
    SG_INLINE void sg_winograd_seen8_##s(const sg_##s##v *z, sg_##s##v *y)             \
    {                                                                                  \
        const T q = (T)4.25, h = (T)5.25;                                              \
        const sg_##s##v even = z[1] + z[2], odd = z[1] - z[2];                         \
        const sg_##s##v evener = z[3] + z[4], odder = z[3] - z[4];                     \
        const sg_##s##v finer = z[5] + z[6], finest = z[5] - z[6];                     \
        y[0] = -z[0];                                                                  \
        y[1] = odd + (T)0.5 * odder + 2 * finest - z[7];                               \
        y[2] = h * z[0] + even + (T)0.25 * evener + 4 * finer;                         \
        y[3] = h * z[7] - q * odd - (T)2.5 * (odder + finest);                         \
        y[4] = -h * z[0] - q * even - (T)1.25 * evener - 5 * finer;                    \
        y[5] = odd + 2 * odder + (T)0.5 * finest - h * z[7];                           \
        y[6] = z[0] + even + evener + finer;                                           \
        y[7] = z[7];                                                                   \
    }

SG_WINOGRAD_TRANSPOSED_LINES(float, f32)
SG_WINOGRAD_TRANSPOSED_LINES(double, f64)

/* The gradient of all inputs of one tile of outputs. Filters come for the correlation
   with their taps from last to first, so dy and what is made of it do, too.

   to[n n points, step apart] = A (rows by columns vectors at from) A' */
#define SG_WINOGRAD_SPREAD_HEAD(T, s, n, rows, columns)                                \
    SG_WINOGRAD_TILE_HEAD(T, s, sg_winograd_spread_##n##_##rows##_##columns)
#define SG_WINOGRAD_SPREAD(T, s, n, rows, columns)                                     \
    SG_SHARED void sg_winograd_spread_##n##_##rows##_##columns##_patch_##s(            \
        const T *from, int64_t row, T *to, int64_t step)                               \
    {                                                                                  \
        sg_##s##v half[n][n], line[n], z[n];                                           \
        SG_WINOGRAD_EACH_##n for (int i = 0; i < rows; i++) {                          \
            SG_UNROLL for (int j = 0; j < columns; j++)                                \
                line[columns - 1 - j] = sg_load_##s(from + i * row + j * sg_lanes_##s);\
            sg_winograd_spread##n##_##s(line, columns, half[i]);                       \
        }                                                                              \
        SG_WINOGRAD_EACH_##n for (int j = 0; j < n; j++) {                             \
            SG_UNROLL for (int i = 0; i < rows; i++)                                   \
                line[rows - 1 - i] = half[i][j];                                       \
            sg_winograd_spread##n##_##s(line, rows, z);                                \
            T *at = to + j * step;                                                     \
            SG_UNROLL for (int i = 0; i < n; i++, at += n * step)                      \
                sg_store_##s(at, z[i]);                                                \
        }                                                                              \
    }                                                                                  \
    SG_WINOGRAD_TILE(T, s, sg_winograd_spread_##n##_##rows##_##columns, rows,          \
                     columns)

/* y[n][n] = B (n n points, step apart) B' */
#define SG_WINOGRAD_SEEN_HEAD(T, s, n)                                                 \
    SG_COMMON void sg_winograd_seen_##n##_##s(                                         \
        const T *from, int64_t step, sg_##s##v *y)
#define SG_WINOGRAD_SEEN(T, s, n)                                                      \
    SG_WINOGRAD_SEEN_HEAD(T, s, n)                                                     \
    {                                                                                  \
        sg_##s##v half[n][n], line[n], z[n];                                           \
        SG_WINOGRAD_EACH_##n for (int i = 0; i < n; i++) {                             \
            SG_UNROLL for (int j = 0; j < n; j++, from += step)                        \
                line[j] = sg_load_##s(from);                                           \
            sg_winograd_seen##n##_##s(line, half[i]);                                  \
        }                                                                              \
        SG_WINOGRAD_EACH_##n for (int j = 0; j < n; j++) {                             \
            SG_UNROLL for (int i = 0; i < n; i++)                                      \
                line[i] = half[i][j];                                                  \
            sg_winograd_seen##n##_##s(line, z);                                        \
            SG_UNROLL for (int i = 0; i < n; i++)                                      \
                y[(n - 1 - i) * n + n - 1 - j] = z[i];                                 \
        }                                                                              \
    }

#endif
