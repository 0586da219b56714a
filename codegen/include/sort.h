/* Stable merge sort of indices: order[0..n) so that x[order[i]] increases, NaN last. */
#ifndef SG_SORT_H
#define SG_SORT_H

#define SG_ARGSORT(T, suffix)                                                        \
    static inline bool sg_before_##suffix(T a, T b) {                                \
        return (a < b) | ((a == a) & (b != b));                                      \
    }                                                                                \
    static inline void sg_merge_##suffix(const T *x, const int64_t *from,            \
                                         int64_t *to, int64_t first,                 \
                                         int64_t middle, int64_t last) {             \
        int64_t left = first, right = middle;                                        \
        for (int64_t place = first; place < last; place++) {                         \
            bool take_right = left == middle                                         \
                || (right < last                                                     \
                    && sg_before_##suffix(x[from[right]], x[from[left]]));           \
            to[place] = take_right ? from[right++] : from[left++];                   \
        }                                                                            \
    }                                                                                \
    static inline void sg_argsort_##suffix(const T *x, int64_t *order,               \
                                           int64_t *scratch, int64_t n) {            \
        for (int64_t i = 0; i < n; i++) order[i] = i;                                \
        int64_t *from = order, *to = scratch;                                        \
        for (int64_t width = 1; width < n; width *= 2) {                             \
            for (int64_t first = 0; first < n; first += 2 * width) {                 \
                int64_t middle = first + width < n ? first + width : n;              \
                int64_t last = first + 2 * width < n ? first + 2 * width : n;        \
                sg_merge_##suffix(x, from, to, first, middle, last);                 \
            }                                                                        \
            int64_t *merged = to;                                                    \
            to = from;                                                               \
            from = merged;                                                           \
        }                                                                            \
        if (from != order)                                                           \
            for (int64_t i = 0; i < n; i++) order[i] = from[i];                      \
    }

SG_ARGSORT(bool, b)
SG_ARGSORT(int8_t, i8)
SG_ARGSORT(int16_t, i16)
SG_ARGSORT(int32_t, i32)
SG_ARGSORT(int64_t, i64)
SG_ARGSORT(uint8_t, u8)
SG_ARGSORT(uint16_t, u16)
SG_ARGSORT(uint32_t, u32)
SG_ARGSORT(uint64_t, u64)
SG_ARGSORT(float, f32)
SG_ARGSORT(double, f64)

#endif
