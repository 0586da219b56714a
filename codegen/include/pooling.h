/* Windows of images of vectors: the largest, where it is first, the sum.

   A window is ``rows`` by ``columns`` vectors, its rows ``pitch`` numbers apart. */
#ifndef SYMGRAPH_POOLING_H
#define SYMGRAPH_POOLING_H

#include "vectors.h"

#define SG_POOLING(T, s, I)                                                            \
    typedef uint8_t sg_##s##p                                                          \
        __attribute__((vector_size(SG_VECTOR_BYTES / sizeof(T))));                     \
    /* places, which are small, a byte each */                                         \
    SG_INLINE void sg_store_places_##s(uint8_t *to, sg_##s##m places)                  \
    {                                                                                  \
        const sg_##s##p small = __builtin_convertvector(places, sg_##s##p);            \
        memcpy(to, &small, sizeof small);                                              \
    }                                                                                  \
    /* best, at place, or value, at number, where that is larger; nan is largest */    \
    SG_INLINE void sg_keep_first_##s(sg_##s##v *best, sg_##s##m *place,                \
                                     sg_##s##v value, int64_t number)                  \
    {                                                                                  \
        const sg_##s##m better = ~(value <= *best) & (*best == *best);                 \
        const sg_##s##m at = (sg_##s##m){0} + (I)number;                               \
        *best = sg_select_##s##v(better, value, *best);                                \
        *place = (better & at) | (~better & *place);                                   \
    }                                                                                  \
    /* Two rows, ``pitch`` apart, of twice ``count`` vectors: each vector at its place \
       of the four of its window, zeros at the others. */                              \
    SG_OUTLINE void sg_unpool_##s(T *to, int64_t pitch, const T *from,                 \
                                  const uint8_t *places, int64_t count)                \
    {                                                                                  \
        for (int64_t j = 0; j < count; j++) {                                          \
            sg_##s##p small;                                                           \
            memcpy(&small, places + j * sg_lanes_##s, sizeof small);                   \
            const sg_##s##m at = __builtin_convertvector(small, sg_##s##m);            \
            const sg_##s##m value = (sg_##s##m)sg_load_##s(from + j * sg_lanes_##s);   \
            T *const two = to + 2 * j * sg_lanes_##s;                                  \
            sg_store_##s(two, (sg_##s##v)((at == 0) & value));                         \
            sg_store_##s(two + sg_lanes_##s, (sg_##s##v)((at == 1) & value));          \
            sg_store_##s(two + pitch, (sg_##s##v)((at == 2) & value));                 \
            sg_store_##s(two + pitch + sg_lanes_##s, (sg_##s##v)((at == 3) & value));  \
        }                                                                              \
    }                                                                                  \
    SG_INLINE sg_##s##v sg_window_maximum_##s(const T *from, int64_t pitch,            \
                                              int64_t rows, int64_t columns)           \
    {                                                                                  \
        sg_##s##v best = sg_splat_##s(-(T)INFINITY);                                   \
        for (int64_t i = 0; i < rows; i++)                                             \
            for (int64_t j = 0; j < columns; j++)                                      \
                best = sg_maximum_##s##v(                                              \
                    sg_load_##s(from + i * pitch + j * sg_lanes_##s), best);           \
        return best;                                                                   \
    }                                                                                  \
    /* the same, and its place where window rows have ``width`` numbered elements */   \
    SG_INLINE sg_##s##v sg_window_first_##s(const T *from, int64_t pitch,              \
                                            int64_t rows, int64_t columns,             \
                                            int64_t first, int64_t width,              \
                                            sg_##s##m *place)                          \
    {                                                                                  \
        sg_##s##v best = sg_splat_##s(-(T)INFINITY);                                   \
        *place = (sg_##s##m){0} + (I)first;                                            \
        for (int64_t i = 0; i < rows; i++)                                             \
            for (int64_t j = 0; j < columns; j++)                                      \
                sg_keep_first_##s(&best, place,                                        \
                             sg_load_##s(from + i * pitch + j * sg_lanes_##s),         \
                             first + i * width + j);                                   \
        return best;                                                                   \
    }                                                                                  \
    SG_INLINE sg_##s##v sg_window_sum_##s(const T *from, int64_t pitch, int64_t rows,  \
                                          int64_t columns)                             \
    {                                                                                  \
        sg_##s##v sum = {0};                                                           \
        for (int64_t i = 0; i < rows; i++) { /* by rows: rounds less than one by one */\
            sg_##s##v row = {0};                                                       \
            for (int64_t j = 0; j < columns; j++)                                      \
                row += sg_load_##s(from + i * pitch + j * sg_lanes_##s);               \
            sum += row;                                                                \
        }                                                                              \
        return sum;                                                                    \
    }

SG_POOLING(float, f32, int32_t)
SG_POOLING(double, f64, int64_t)

#endif
