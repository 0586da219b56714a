/* Windows of images, copied with zeros where they reach outside. */
#ifndef SYMGRAPH_CONVOLUTION_H
#define SYMGRAPH_CONVOLUTION_H

#include "vectors.h"

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
static inline __attribute__((unused)) void sg_copy_plane(char *to, const char *from,
                                                         int64_t pixel, sg_window w)
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

#endif
