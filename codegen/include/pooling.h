/* Windows of images of vectors: the largest, where it is first, the sum.

   A window is ``rows`` by ``columns`` vectors, its rows ``pitch`` numbers apart. */
#ifndef SYMGRAPH_POOLING_H
#define SYMGRAPH_POOLING_H

#include "places.h"

/* Stores of vectors as long as a line may go around the caches, to where a line begins,
   where so many numbers are written that caches hold too few of them for a next reader.
   Others see them only after SG_STREAMED. */
#ifndef SG_FAR_BYTES
#define SG_FAR_BYTES (1 << 26)
#endif
#if defined(__AVX512F__)
#define sg_is_far(to, count)                                                           \
    ((int64_t)(count) * (int64_t)sizeof *(to) >= SG_FAR_BYTES &&                       \
     (uintptr_t)(to) % SG_VECTOR_BYTES == 0)
#ifdef __clang__
#define sg_stream_f32(to, a) __builtin_nontemporal_store(a, (sg_f32v *)(to))
#define sg_stream_f64(to, a) __builtin_nontemporal_store(a, (sg_f64v *)(to))
#else
#define sg_stream_f32(to, a) __builtin_ia32_movntps512(to, a)
#define sg_stream_f64(to, a) __builtin_ia32_movntpd512(to, a)
#endif
#define SG_STREAMED __builtin_ia32_sfence()
#else
#define sg_is_far(to, count) ((void)(to), false)
#define sg_stream_f32(to, a) sg_store_f32(to, a)
#define sg_stream_f64(to, a) sg_store_f64(to, a)
#define SG_STREAMED
#endif

#define SG_POOLING(T, s, I)                                                            \
    /* a where its place is ``number``, else zero */                                   \
    SG_INLINE sg_##s##v sg_at_place_##s(sg_##s##v a, sg_##s##m place, I number)        \
    {                                                                                  \
        return (sg_##s##v)((place == number) & (sg_##s##m)a);                          \
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
            const sg_##s##m at = sg_load_places_##s(places + j * sg_lanes_##s);        \
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
    }

/* The sum of a window, by rows, which rounds less than one by one. */
#define SG_WINDOW_SUM(T, s, name, UNROLL)                                              \
    SG_INLINE sg_##s##v name(const T *from, int64_t pitch, int64_t rows,               \
                             int64_t columns)                                          \
    {                                                                                  \
        sg_##s##v sum = {0};                                                           \
        UNROLL for (int64_t i = 0; i < rows; i++)                                      \
        {                                                                              \
            sg_##s##v row = {0};                                                       \
            UNROLL for (int64_t j = 0; j < columns; j++) row +=                        \
                sg_load_##s(from + i * pitch + j * sg_lanes_##s);                      \
            sum += row;                                                                \
        }                                                                              \
        return sum;                                                                    \
    }

/* The same of windows whose rows and columns are constants, written out.

   The machine's maximum knows no nan, and a comparison for each number is dear: so all
   are added up too, and where the sum is no number there may be one among them. The
   place is the largest of the numbers of those that were larger than all before, as a
   number beside BIG, so that it is in the low bits. */
#define SG_WHOLE_WINDOWS(T, s, BIG)                                                    \
    SG_INLINE sg_##s##v sg_whole_maximum_##s(const T *from, int64_t pitch,             \
                                             int64_t rows, int64_t columns)            \
    {                                                                                  \
        sg_##s##v best = sg_load_##s(from), sum = {0};                                 \
        SG_UNROLL for (int64_t i = 0; i < rows; i++)                                   \
            SG_UNROLL for (int64_t j = 0; j < columns; j++)                            \
        {                                                                              \
            const sg_##s##v value = sg_load_##s(from + i * pitch + j * sg_lanes_##s);  \
            best = sg_larger_##s##v(value, best);                                      \
            sum += value;                                                              \
        }                                                                              \
        if (__builtin_expect(sg_has_nan_##s(sum), 0))                                  \
            return sg_window_maximum_##s(from, pitch, rows, columns);                  \
        return best;                                                                   \
    }                                                                                  \
    SG_INLINE sg_##s##v sg_whole_first_##s(const T *from, int64_t pitch, int64_t rows, \
                                           int64_t columns, sg_##s##m *place)          \
    {                                                                                  \
        sg_##s##v best = sg_load_##s(from), sum = best, at = sg_splat_##s(BIG);        \
        SG_UNROLL for (int64_t i = 0; i < rows; i++)                                   \
            SG_UNROLL for (int64_t j = i == 0; j < columns; j++)                       \
        {                                                                              \
            const sg_##s##v value = sg_load_##s(from + i * pitch + j * sg_lanes_##s);  \
            const sg_##s##v number = sg_splat_##s(BIG + (T)(i * columns + j));         \
            const sg_##s##m later = (value > best) & (sg_##s##m)number;                \
            at = sg_larger_##s##v((sg_##s##v)later, at);                               \
            best = sg_larger_##s##v(value, best);                                      \
            sum += value;                                                              \
        }                                                                              \
        if (__builtin_expect(sg_has_nan_##s(sum), 0))                                  \
            return sg_window_first_##s(from, pitch, rows, columns, 0, columns, place); \
        *place = (sg_##s##m)at & 0xff;                                                 \
        return best;                                                                   \
    }

SG_POOLING(float, f32, int32_t)
SG_POOLING(double, f64, int64_t)
SG_WINDOW_SUM(float, f32, sg_window_sum_f32, )
SG_WINDOW_SUM(double, f64, sg_window_sum_f64, )
SG_WINDOW_SUM(float, f32, sg_whole_sum_f32, SG_UNROLL)
SG_WINDOW_SUM(double, f64, sg_whole_sum_f64, SG_UNROLL)
SG_WHOLE_WINDOWS(float, f32, 8388608.0f)
SG_WHOLE_WINDOWS(double, f64, 4503599627370496.0)

#endif
