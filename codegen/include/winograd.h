/* Winograd's minimal filtering on the points 0, 1, -1, 2, -2, infinity, and with eight
   points also 1/2 and -1/2.

   In one dimension, m outputs of a filter of r taps take m + r - 1 products, one a
   point, instead of m r:  y = A' ((G g) * (B' d)),  with d the inputs they see,

       B' d = the coefficients of d against the polynomials of the points,
       G g  = g(p) / prod_{q != p} (p - q), and the last tap for infinity,
       A' z = sum_p p^i z_p, with the product of infinity added to the last output.

   B' is the same for every m and r. In two dimensions each is applied to rows, then
   to columns. Winograd, Arithmetic Complexity of Computations (1980); Lavin and Gray,
   Fast Algorithms for Convolutional Neural Networks (2016). */
#ifndef SYMGRAPH_WINOGRAD_H
#define SYMGRAPH_WINOGRAD_H

#include "convolution.h"
#include "vectors.h"

/* Before a loop over the rows or columns of n by n points. Eight lines of eight are more
   than any machine has registers for, so all but one of them is in memory anyway: a loop
   is no slower than what is written out, and an eighth of it to compile. */
#define SG_WINOGRAD_EACH_8 SG_ROLLED
#define SG_WINOGRAD_EACH_6 SG_UNROLL

/* In one dimension: sums over even and odd powers serve a point and its negative. */
#define SG_WINOGRAD_LINES(T, s)                                                        \
    SG_INLINE void sg_winograd_b6_##s(const sg_##s##v *d, sg_##s##v *z)                \
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
    SG_INLINE void sg_winograd_b8_##s(const sg_##s##v *d, sg_##s##v *z)                \
    {                                                                                  \
        const T q = (T)4.25, h = (T)5.25;                                              \
        const sg_##s##v even = d[2] + d[6] - q * d[4], odd = d[1] + d[5] - q * d[3];   \
        const sg_##s##v evener = d[6] - (T)1.25 * d[4] + (T)0.25 * d[2];               \
        const sg_##s##v odder = 2 * d[5] - (T)2.5 * d[3] + (T)0.5 * d[1];              \
        const sg_##s##v finer = d[6] - 5 * d[4] + 4 * d[2];                            \
        const sg_##s##v finest = (T)0.5 * d[5] - (T)2.5 * d[3] + 2 * d[1];             \
        z[0] = d[6] - d[0] + h * (d[2] - d[4]);                                        \
        z[1] = even + odd;                                                             \
        z[2] = even - odd;                                                             \
        z[3] = evener + odder;                                                         \
        z[4] = evener - odder;                                                         \
        z[5] = finer + finest;                                                         \
        z[6] = finer - finest;                                                         \
        z[7] = d[7] - d[1] + h * (d[3] - d[5]);                                        \
    }                                                                                  \
    /* a point and its negative: z[0, 1] = scale sum_i (+-p)^i g_i */                  \
    SG_INLINE void sg_winograd_pair_##s(const sg_##s##v *g, int taps, T p, T scale,    \
                                        sg_##s##v *z)                                  \
    {                                                                                  \
        sg_##s##v even = g[0], odd = {0};                                              \
        T power = p;                                                                   \
        SG_UNROLL for (int i = 1; i < taps; i++, power *= p)                           \
            if (i % 2)                                                                 \
                odd += power * g[i];                                                   \
            else                                                                       \
                even += power * g[i];                                                  \
        z[0] = (even + odd) * scale;                                                   \
        z[1] = (even - odd) * scale;                                                   \
    }                                                                                  \
    SG_INLINE void sg_winograd_g6_##s(const sg_##s##v *g, int taps, sg_##s##v *z)      \
    {                                                                                  \
        z[0] = g[0] * (T)(1. / 4);                                                     \
        sg_winograd_pair_##s(g, taps, 1, (T)(-1. / 6), z + 1);                         \
        sg_winograd_pair_##s(g, taps, 2, (T)(1. / 24), z + 3);                         \
        z[5] = g[taps - 1];                                                            \
    }                                                                                  \
    SG_INLINE void sg_winograd_g8_##s(const sg_##s##v *g, int taps, sg_##s##v *z)      \
    {                                                                                  \
        z[0] = -g[0];                                                                  \
        sg_winograd_pair_##s(g, taps, 1, (T)(-2. / 9), z + 1);                         \
        sg_winograd_pair_##s(g, taps, 2, (T)(1. / 90), z + 3);                         \
        sg_winograd_pair_##s(g, taps, (T)0.5, (T)(32. / 45), z + 5);                   \
        z[7] = g[taps - 1];                                                            \
    }                                                                                  \
    SG_INLINE void sg_winograd_a6_##s(const sg_##s##v *z, int outputs, sg_##s##v *y)   \
    {                                                                                  \
        const sg_##s##v even = z[1] + z[2], odd = z[1] - z[2];                         \
        const sg_##s##v evener = z[3] + z[4], odder = z[3] - z[4];                     \
        y[0] = z[0] + even + evener;                                                   \
        SG_UNROLL for (int i = 1; i < outputs; i++)                                    \
            y[i] = i % 2 ? odd + (T)(1 << i) * odder : even + (T)(1 << i) * evener;    \
        y[outputs - 1] += z[5];                                                        \
    }                                                                                  \
    SG_INLINE void sg_winograd_a8_##s(const sg_##s##v *z, int outputs, sg_##s##v *y)   \
    {                                                                                  \
        const sg_##s##v even = z[1] + z[2], odd = z[1] - z[2];                         \
        const sg_##s##v evener = z[3] + z[4], odder = z[3] - z[4];                     \
        const sg_##s##v finer = z[5] + z[6], finest = z[5] - z[6];                     \
        y[0] = z[0] + even + evener + finer;                                           \
        SG_UNROLL for (int i = 1; i < outputs; i++) {                                  \
            const T up = (T)(1 << i), down = 1 / up;                                   \
            y[i] = i % 2 ? odd + up * odder + down * finest                            \
                         : even + up * evener + down * finer;                          \
        }                                                                              \
        y[outputs - 1] += z[7];                                                        \
    }

SG_WINOGRAD_LINES(float, f32)
SG_WINOGRAD_LINES(double, f64)

/* The patch of one tile in each of ``blocks`` planes: what ``w`` cuts out of it goes
   through ``patch``, and stands ``to`` lanes beside that of the plane before. A patch
   that reaches outside the image is copied first, with zeros there. */
#define SG_WINOGRAD_TILE_HEAD(T, s, name)                                              \
    SG_COMMON void name##_##s(const T *plane, int64_t blocks, const sg_window *w,      \
                              T *to, int64_t step)
#define SG_WINOGRAD_TILE(T, s, name, rows, columns)                                    \
    SG_WINOGRAD_TILE_HEAD(T, s, name)                                                  \
    {                                                                                  \
        const int64_t corner = (w->top * w->width + w->left) * sg_lanes_##s;           \
        const bool inside = w->top >= 0 && w->top + rows <= w->height &&               \
                            w->left >= 0 && w->left + columns <= w->width;             \
        for (int64_t block = 0; block < blocks; block++, to += sg_lanes_##s) {         \
            if (inside) {                                                              \
                name##_patch_##s(plane + corner, w->width * sg_lanes_##s, to, step);   \
            }                                                                          \
            else {                                                                     \
                T patch[rows * columns * sg_lanes_##s];                                \
                sg_copy_plane((char *)patch, (const char *)plane,                      \
                              sg_lanes_##s * sizeof(T), *w);                           \
                name##_patch_##s(patch, columns * sg_lanes_##s, to, step);             \
            }                                                                          \
            plane += w->height * w->width * sg_lanes_##s;                              \
        }                                                                              \
    }

/* In two dimensions, on n by n points. The loops over one line unroll, their extents
   being constants, so a file has a function for each form that it needs.

   to[n n points, step apart] = B' (n by n vectors at from, rows ``row`` apart) B; what
   the tile ``outputs`` columns on will read is fetched meanwhile. */
#define SG_WINOGRAD_INPUT_HEAD(T, s, n, outputs)                                       \
    SG_WINOGRAD_TILE_HEAD(T, s, sg_winograd_input_##n##_##outputs)
#define SG_WINOGRAD_INPUT(T, s, n, outputs)                                            \
    SG_SHARED void sg_winograd_input_##n##_##outputs##_patch_##s(                      \
        const T *from, int64_t row, T *to, int64_t step)                               \
    {                                                                                  \
        sg_##s##v half[n][n], line[n], z[n];                                           \
        SG_WINOGRAD_EACH_##n for (int i = 0; i < n; i++) {                             \
            SG_UNROLL for (int at = 0; at < outputs * sg_lanes_##s;                    \
                           at += SG_LINE_BYTES / (int)sizeof(T))                       \
                __builtin_prefetch(from + i * row + n * sg_lanes_##s + at);            \
            SG_UNROLL for (int j = 0; j < n; j++)                                      \
                line[j] = sg_load_##s(from + i * row + j * sg_lanes_##s);              \
            sg_winograd_b##n##_##s(line, half[i]);                                     \
        }                                                                              \
        SG_WINOGRAD_EACH_##n for (int j = 0; j < n; j++) {                             \
            SG_UNROLL for (int i = 0; i < n; i++)                                      \
                line[i] = half[i][j];                                                  \
            sg_winograd_b##n##_##s(line, z);                                           \
            T *at = to + j * step;                                                     \
            SG_UNROLL for (int i = 0; i < n; i++, at += n * step)                      \
                sg_store_##s(at, z[i]);                                                \
        }                                                                              \
    }                                                                                  \
    SG_WINOGRAD_TILE(T, s, sg_winograd_input_##n##_##outputs, n, n)

/* to[n n points, step apart] = G (rows by columns vectors at from) G' */
#define SG_WINOGRAD_FILTER_HEAD(T, s, n, rows, columns)                                \
    SG_COMMON void sg_winograd_filter_##n##_##rows##_##columns##_##s(                  \
        const T *from, int64_t row, int64_t column, T *to, int64_t step)
#define SG_WINOGRAD_FILTER(T, s, n, rows, columns)                                     \
    SG_WINOGRAD_FILTER_HEAD(T, s, n, rows, columns)                                    \
    {                                                                                  \
        sg_##s##v half[n][n], line[n] = {{0}}, z[n];                                   \
        SG_WINOGRAD_EACH_##n for (int i = 0; i < rows; i++) {                          \
            SG_UNROLL for (int j = 0; j < columns; j++)                                \
                line[j] = sg_load_##s(from + i * row + j * column);                    \
            sg_winograd_g##n##_##s(line, columns, half[i]);                            \
        }                                                                              \
        SG_WINOGRAD_EACH_##n for (int j = 0; j < n; j++) {                             \
            SG_UNROLL for (int i = 0; i < rows; i++)                                   \
                line[i] = half[i][j];                                                  \
            sg_winograd_g##n##_##s(line, rows, z);                                     \
            T *at = to + j * step;                                                     \
            SG_UNROLL for (int i = 0; i < n; i++, at += n * step)                      \
                sg_store_##s(at, z[i]);                                                \
        }                                                                              \
    }

/* The same of one tile of dy in each of ``blocks`` planes, as if it were a filter. */
#define SG_WINOGRAD_GRADIENT_HEAD(T, s, n, rows, columns)                              \
    SG_WINOGRAD_TILE_HEAD(T, s, sg_winograd_gradient_##n##_##rows##_##columns)
#define SG_WINOGRAD_GRADIENT(T, s, n, rows, columns)                                   \
    SG_WINOGRAD_FILTER_HEAD(T, s, n, rows, columns); /* it may stand in another file */\
    SG_INLINE void sg_winograd_gradient_##n##_##rows##_##columns##_patch_##s(          \
        const T *from, int64_t row, T *to, int64_t step)                               \
    {                                                                                  \
        sg_winograd_filter_##n##_##rows##_##columns##_##s(from, row, sg_lanes_##s, to, \
                                                          step);                       \
    }                                                                                  \
    SG_WINOGRAD_TILE(T, s, sg_winograd_gradient_##n##_##rows##_##columns, rows, columns)

/* y[rows][columns] = A' (n n points, step apart) A */
#define SG_WINOGRAD_OUTPUT_HEAD(T, s, n, rows, columns)                                \
    SG_COMMON void sg_winograd_output_##n##_##rows##_##columns##_##s(                  \
        const T *from, int64_t step, sg_##s##v *y)
#define SG_WINOGRAD_OUTPUT(T, s, n, rows, columns)                                     \
    SG_WINOGRAD_OUTPUT_HEAD(T, s, n, rows, columns)                                    \
    {                                                                                  \
        sg_##s##v half[n][n], line[n], z[n];                                           \
        SG_WINOGRAD_EACH_##n for (int i = 0; i < n; i++) {                             \
            SG_UNROLL for (int j = 0; j < n; j++, from += step)                        \
                line[j] = sg_load_##s(from);                                           \
            sg_winograd_a##n##_##s(line, columns, half[i]);                            \
        }                                                                              \
        SG_WINOGRAD_EACH_##n for (int j = 0; j < columns; j++) {                       \
            SG_UNROLL for (int i = 0; i < n; i++)                                      \
                line[i] = half[i][j];                                                  \
            sg_winograd_a##n##_##s(line, rows, z);                                     \
            SG_UNROLL for (int i = 0; i < rows; i++)                                   \
                y[i * columns + j] = z[i];                                             \
        }                                                                              \
    }

#endif
