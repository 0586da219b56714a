/* Winograd's minimal filtering on the six points 0, 1, -1, 2, -2 and infinity.

   In one dimension, m outputs of a filter of r taps, m + r = 7, take six products
   instead of m r:  y = A' ((G g) * (B' d)),  with d the six inputs they see,

       B' d = the coefficients of d against the polynomials of the points,
       G g  = g(p) / prod_{q != p} (p - q), and the last tap for infinity,
       A' z = sum_p p^i z_p, with the product of infinity added to the last output.

   B' is the same for every m and r. In two dimensions each is applied to rows, then
   to columns. Winograd, Arithmetic Complexity of Computations (1980); Lavin and Gray,
   Fast Algorithms for Convolutional Neural Networks (2016). */
#ifndef SYMGRAPH_WINOGRAD_H
#define SYMGRAPH_WINOGRAD_H

#include "vectors.h"

#define SG_POINTS 6

#define SG_WINOGRAD(T, s)                                                              \
    SG_INLINE void sg_winograd_b_##s(const sg_##s##v *d, sg_##s##v *z)                 \
    {                                                                                  \
        const sg_##s##v even = d[4] - 4 * d[2], odd = d[3] - 4 * d[1];                 \
        const sg_##s##v evener = d[4] - d[2], odder = 2 * (d[3] - d[1]);               \
        z[0] = 4 * d[0] - 5 * d[2] + d[4];                                             \
        z[1] = even + odd;                                                             \
        z[2] = even - odd;                                                             \
        z[3] = evener + odder;                                                         \
        z[4] = evener - odder;                                                         \
        z[5] = 4 * d[1] - 5 * d[3] + d[5];                                             \
    }                                                                                  \
    SG_INLINE void sg_winograd_g_##s(const sg_##s##v *g, int taps, sg_##s##v *z)       \
    {                                                                                  \
        sg_##s##v even = g[0], odd = {0}, evener = g[0], odder = {0};                  \
        SG_UNROLL for (int i = 1; i < taps; i++)                                       \
            if (i % 2) {                                                               \
                odd += g[i];                                                           \
                odder += (T)(1 << i) * g[i];                                           \
            } else {                                                                   \
                even += g[i];                                                          \
                evener += (T)(1 << i) * g[i];                                          \
            }                                                                          \
        z[0] = g[0] * (T)(1. / 4);                                                     \
        z[1] = (even + odd) * (T)(-1. / 6);                                            \
        z[2] = (even - odd) * (T)(-1. / 6);                                            \
        z[3] = (evener + odder) * (T)(1. / 24);                                        \
        z[4] = (evener - odder) * (T)(1. / 24);                                        \
        z[5] = g[taps - 1];                                                            \
    }                                                                                  \
    SG_INLINE void sg_winograd_a_##s(const sg_##s##v *z, int outputs, sg_##s##v *y)    \
    {                                                                                  \
        const sg_##s##v even = z[1] + z[2], odd = z[1] - z[2];                         \
        const sg_##s##v evener = z[3] + z[4], odder = z[3] - z[4];                     \
        y[0] = z[0] + even + evener;                                                   \
        SG_UNROLL for (int i = 1; i < outputs; i++)                                    \
            y[i] = i % 2 ? odd + (T)(1 << i) * odder : even + (T)(1 << i) * evener;    \
        y[outputs - 1] += z[5];                                                        \
    }                                                                                  \
    /* to[36 points, step apart] = B' (6 by 6 vectors at from) B */                    \
    static __attribute__((unused, noinline)) void sg_winograd_input_##s(               \
        const T *from, int64_t row, int64_t column, T *to, int64_t step)               \
    {                                                                                  \
        sg_##s##v half[SG_POINTS][SG_POINTS], line[SG_POINTS], z[SG_POINTS];           \
        SG_UNROLL for (int i = 0; i < SG_POINTS; i++) {                                \
            SG_UNROLL for (int j = 0; j < SG_POINTS; j++)                              \
                line[j] = sg_load_##s(from + i * row + j * column);                    \
            sg_winograd_b_##s(line, half[i]);                                          \
        }                                                                              \
        SG_UNROLL for (int j = 0; j < SG_POINTS; j++) {                                \
            SG_UNROLL for (int i = 0; i < SG_POINTS; i++)                              \
                line[i] = half[i][j];                                                  \
            sg_winograd_b_##s(line, z);                                                \
            SG_UNROLL for (int i = 0; i < SG_POINTS; i++)                              \
                sg_store_##s(to + (i * SG_POINTS + j) * step, z[i]);                   \
        }                                                                              \
    }                                                                                  \
    /* to[36 points, step apart] = G (rows by columns vectors at from) G' */           \
    SG_INLINE void sg_winograd_filter_##s(const T *from, int64_t row, int64_t column,  \
                                          int rows, int columns, T *to, int64_t step)  \
    {                                                                                  \
        sg_##s##v half[SG_POINTS][SG_POINTS], line[SG_POINTS], z[SG_POINTS];           \
        SG_UNROLL for (int i = 0; i < rows; i++) {                                     \
            SG_UNROLL for (int j = 0; j < columns; j++)                                \
                line[j] = sg_load_##s(from + i * row + j * column);                    \
            sg_winograd_g_##s(line, columns, half[i]);                                 \
        }                                                                              \
        SG_UNROLL for (int j = 0; j < SG_POINTS; j++) {                                \
            SG_UNROLL for (int i = 0; i < rows; i++)                                   \
                line[i] = half[i][j];                                                  \
            sg_winograd_g_##s(line, rows, z);                                          \
            SG_UNROLL for (int i = 0; i < SG_POINTS; i++)                              \
                sg_store_##s(to + (i * SG_POINTS + j) * step, z[i]);                   \
        }                                                                              \
    }                                                                                  \
    /* y[rows][columns] = A' (36 points, step apart) A */                              \
    SG_INLINE void sg_winograd_output_##s(const T *from, int64_t step, int rows,       \
                                          int columns, sg_##s##v *y)                   \
    {                                                                                  \
        sg_##s##v half[SG_POINTS][SG_POINTS], line[SG_POINTS], z[SG_POINTS];           \
        SG_UNROLL for (int i = 0; i < SG_POINTS; i++) {                                \
            SG_UNROLL for (int j = 0; j < SG_POINTS; j++)                              \
                line[j] = sg_load_##s(from + (i * SG_POINTS + j) * step);              \
            sg_winograd_a_##s(line, columns, half[i]);                                 \
        }                                                                              \
        SG_UNROLL for (int j = 0; j < columns; j++) {                                  \
            SG_UNROLL for (int i = 0; i < SG_POINTS; i++)                              \
                line[i] = half[i][j];                                                  \
            sg_winograd_a_##s(line, rows, z);                                          \
            SG_UNROLL for (int i = 0; i < rows; i++)                                   \
                y[i * columns + j] = z[i];                                             \
        }                                                                              \
    }

SG_WINOGRAD(float, f32)
SG_WINOGRAD(double, f64)

#endif
