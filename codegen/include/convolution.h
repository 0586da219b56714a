/* Windows of images, copied with zeros where they reach outside. */
#ifndef SYMGRAPH_CONVOLUTION_H
#define SYMGRAPH_CONVOLUTION_H

#include "squares.h"

/* A window: rows and columns top + i, left + j of planes of height by width. */
typedef struct sg_window {
    int64_t height, width, top, left, rows, columns;
} sg_window;

/* The first and the last + 1 of 0 .. count that lie inside 0 .. extent, moved by at. */
SG_INLINE int64_t sg_window_begin(int64_t at, int64_t count)
{
    return sg_min(sg_max(-at, 0), count);
}

SG_INLINE int64_t sg_window_end(int64_t at, int64_t count, int64_t extent)
{
    return sg_max(sg_min(extent - at, count), sg_window_begin(at, count));
}

/* One plane, pixels of ``pixel`` bytes. */
SG_SHARED void sg_copy_plane(char *to, const char *from, int64_t pixel, sg_window w)
{
    const int64_t begin = sg_window_begin(w.left, w.columns);
    const int64_t end = sg_window_end(w.left, w.columns, w.width);
    for (int64_t i = 0; i < w.rows; i++, to += w.columns * pixel) {
        const int64_t row = w.top + i;
        if (row < 0 || row >= w.height) {
            memset(to, 0, (size_t)(w.columns * pixel));
            continue;
        }
        memset(to, 0, (size_t)(begin * pixel));
        memcpy(to + begin * pixel, from + (row * w.width + w.left + begin) * pixel,
               (size_t)((end - begin) * pixel));
        memset(to + end * pixel, 0, (size_t)((w.columns - end) * pixel));
    }
}

/* One plane of vectors whose lanes come from ``from[source[lane] + pixel * step]``. */
#define SG_GATHER_PLANE(T, s)                                                          \
    static inline __attribute__((unused)) void sg_gather_plane_##s(                    \
        T *to, const T *from, const int64_t *source, int64_t step, sg_window w)        \
    {                                                                                  \
        for (int64_t i = 0; i < w.rows; i++)                                           \
            for (int64_t j = 0; j < w.columns; j++, to += sg_lanes_##s) {              \
                const int64_t row = w.top + i, column = w.left + j;                    \
                const bool inside =                                                    \
                    row >= 0 && row < w.height && column >= 0 && column < w.width;     \
                const T *pixel = from + (inside ? (row * w.width + column) * step : 0);\
                for (int lane = 0; lane < sg_lanes_##s; lane++)                        \
                    to[lane] = inside ? pixel[source[lane]] : 0;                       \
            }                                                                          \
    }

SG_GATHER_PLANE(float, f32)
SG_GATHER_PLANE(double, f64)

/* How filters are packed: see packing.py. Taps are row_first + r row_step and so on,
   of ``width`` taps a row; one input channel is ``input_step`` from the next. */
typedef struct sg_packing {
    int64_t inputs, chunk, input_step, width;
    int64_t rows, row_first, row_step, columns, column_first, column_step;
} sg_packing;

/* One vector of output channels; lane l's filters begin at from[place[l]], or are
   zeros where that is negative. ``pack_lanes`` is for vectors that are not the
   machine's. */
#define SG_PACK_VECTOR(T, s)                                                           \
    SG_INLINE void sg_pack_##s(                                                        \
        T *to, const T *from, const int64_t *place, const int64_t lanes, sg_packing p) \
    {                                                                                  \
        for (int64_t first = 0; first < p.inputs; first += p.chunk) {                  \
            const int64_t last = sg_min(first + p.chunk, p.inputs);                    \
            for (int64_t r = 0; r < p.rows; r++)                                       \
                for (int64_t c = 0; c < p.columns; c++) {                              \
                    const int64_t tap = (p.row_first + r * p.row_step) * p.width +     \
                                        p.column_first + c * p.column_step;            \
                    for (int64_t i = first; i < last; i++, to += lanes)                \
                        for (int64_t l = 0; l < lanes; l++)                            \
                            to[l] = place[l] < 0                                       \
                                        ? 0                                            \
                                        : from[place[l] + i * p.input_step + tap];     \
                }                                                                      \
        }                                                                              \
    }                                                                                  \
    SG_SHARED void sg_pack_vector_##s(T *to, const T *from, const int64_t *place,      \
                                      sg_packing p)                                    \
    {                                                                                  \
        sg_pack_##s(to, from, place, sg_lanes_##s, p);                                 \
    }                                                                                  \
    SG_SHARED void sg_pack_lanes_##s(T *to, const T *from, const int64_t *place,       \
                                     sg_packing p, int64_t lanes)                      \
    {                                                                                  \
        sg_pack_##s(to, from, place, lanes, p);                                        \
    }

SG_PACK_VECTOR(float, f32)
SG_PACK_VECTOR(double, f64)

/* aside += sums; sums = 0 */
#define SG_PUT_ASIDE(T, s)                                                             \
    SG_SHARED void sg_put_aside_##s(T *restrict aside, T *restrict sums, int64_t count)\
    {                                                                                  \
        for (int64_t i = 0; i < count; i++) {                                          \
            aside[i] += sums[i];                                                       \
            sums[i] = 0;                                                               \
        }                                                                              \
    }

SG_PUT_ASIDE(float, f32)
SG_PUT_ASIDE(double, f64)

/* The first ``count`` lanes of a, fewer than all: by halves, as a call takes longer. */
#define SG_STORE_FIRST(T, s)                                                           \
    SG_INLINE void sg_store_first_##s(T *to, sg_##s##v a, int64_t count)               \
    {                                                                                  \
        T from[sg_lanes_##s];                                                          \
        sg_store_##s(from, a);                                                         \
        int64_t done = 0;                                                              \
        SG_UNROLL                                                                      \
        for (int64_t some = sg_lanes_##s / 2; some > 0; some /= 2)                     \
            if (count & some) {                                                        \
                memcpy(to + done, from + done, (size_t)some * sizeof(T));              \
                done += some;                                                          \
            }                                                                          \
    }

SG_STORE_FIRST(float, f32)
SG_STORE_FIRST(double, f64)

/* The sum of ``shares`` arrays, ``size`` apart, of ``count`` vectors, transposed so
   that each of ``lanes`` rows of ``to``, ``step`` apart, gets the numbers of a lane.
   The last square reaches back to be whole, where there are enough vectors. */
#define SG_SUM_SHARES_HEAD(T, s)                                                       \
    SG_COMMON void sg_sum_shares_##s(                                                  \
        T *to, int64_t step, const T *from, int64_t shares, int64_t size,              \
        int64_t count, int64_t lanes)
#define SG_SUM_SHARES(T, s)                                                            \
    SG_SUM_SHARES_HEAD(T, s)                                                           \
    {                                                                                  \
        for (int64_t begin = 0; begin < count; begin += sg_lanes_##s) {                \
            const int64_t first = sg_max(sg_min(begin, count - sg_lanes_##s), 0);      \
            const int64_t wide = sg_min(count - first, sg_lanes_##s);                  \
            sg_##s##v rows[sg_lanes_##s];                                              \
            SG_ROLLED /* sixteen loops over shares take long to compile */             \
            for (int64_t row = 0; row < sg_lanes_##s; row++) {                         \
                const T *at = from + (first + sg_min(row, wide - 1)) * sg_lanes_##s;   \
                sg_##s##v sum = sg_load_##s(at);                                       \
                SG_ROLLED                                                              \
                for (int64_t share = 1; share < shares; share++)                       \
                    sum += sg_load_##s(at + share * size);                             \
                rows[row] = sum;                                                       \
            }                                                                          \
            sg_transpose_##s(rows);                                                    \
            if (wide == sg_lanes_##s && lanes == sg_lanes_##s) {                       \
                SG_UNROLL                                                              \
                for (int64_t lane = 0; lane < sg_lanes_##s; lane++)                    \
                    sg_store_##s(to + lane * step + first, rows[lane]);                \
                continue;                                                              \
            }                                                                          \
            /* by way of a copy: otherwise all ``rows`` would lie in memory */         \
            T part[sg_lanes_##s * sg_lanes_##s];                                       \
            SG_UNROLL                                                                  \
            for (int64_t lane = 0; lane < sg_lanes_##s; lane++)                        \
                sg_store_##s(part + lane * sg_lanes_##s, rows[lane]);                  \
            SG_ROLLED                                                                  \
            for (int64_t lane = 0; lane < lanes; lane++) {                             \
                const sg_##s##v row = sg_load_##s(part + lane * sg_lanes_##s);         \
                if (wide == sg_lanes_##s)                                              \
                    sg_store_##s(to + lane * step + first, row);                       \
                else                                                                   \
                    sg_store_first_##s(to + lane * step + first, row, wide);           \
            }                                                                          \
        }                                                                              \
    }

/* Of each lane in turn, the numbers at ``count`` taps, as they lie ``from`` a corner
   on. Rows shorter than a vector are stored as whole ones, each over what the one
   before it has left behind its end: what comes after the last row is overwritten. */
#define SG_LAY_PATCH(T, s)                                                             \
    SG_SHARED void sg_lay_patch_##s(T *to, const T *from, const int64_t *taps,         \
                                    int64_t count)                                     \
    {                                                                                  \
        for (int64_t begin = 0; begin < count; begin += sg_lanes_##s) {                \
            const int64_t first = sg_max(sg_min(begin, count - sg_lanes_##s), 0);      \
            sg_##s##v rows[sg_lanes_##s];                                              \
            SG_UNROLL                                                                  \
            for (int64_t row = 0; row < sg_lanes_##s; row++)                           \
                rows[row] = sg_load_##s(from + taps[sg_min(first + row, count - 1)]);  \
            sg_transpose_##s(rows);                                                    \
            SG_UNROLL                                                                  \
            for (int64_t lane = 0; lane < sg_lanes_##s; lane++)                        \
                sg_store_##s(to + lane * count + first, rows[lane]);                   \
        }                                                                              \
    }

SG_LAY_PATCH(float, f32)
SG_LAY_PATCH(double, f64)

#endif
