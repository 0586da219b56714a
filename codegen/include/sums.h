/* Sums for each channel of results, over records that are made one by one.

   A record is four vectors: how many results there are, the pivot p, the sums of
   z = r - p, and the sums of z z or of z times another number, over the results r.
   Where the variance is asked for, the pivot is the first of the results, and from the
   second tile on the mean of the first tile, so that z z is about as large as the
   variance however far from zero the results lie; else it is 0.

   Inside a record sums are in the type of the results, over at most some hundreds of
   them, tile by tile: their rounding is like that of the results themselves. Records
   are added in double. */
#ifndef SYMGRAPH_SUMS_H
#define SYMGRAPH_SUMS_H

#include "vectors.h"

#define SG_SUMS(T, s)                                                                  \
    SG_INLINE sg_##s##v sg_if_finite_##s(sg_##s##v a, sg_##s##v otherwise)             \
    {                                                                                  \
        return sg_select_##s##v(a - a == 0, a, otherwise);                             \
    }                                                                                  \
    /* the pivot of a record: ``first`` where it has none, and that is a number */     \
    SG_INLINE sg_##s##v sg_pivot_##s(sg_##s##v *record, sg_##s##v first)               \
    {                                                                                  \
        if (record[0][0] == 0)                                                         \
            record[1] = sg_if_finite_##s(first, (sg_##s##v){0});                       \
        return record[1];                                                              \
    }                                                                                  \
    /* add ``count`` results, the sums of every other of them side by side */          \
    SG_INLINE void sg_note_##s(sg_##s##v *record, int64_t count,                       \
                               const sg_##s##v *sums, const sg_##s##v *products)       \
    {                                                                                  \
        record[0] += (T)count;                                                         \
        record[2] += sums[0] + sums[1];                                                \
        record[3] += products[0] + products[1];                                        \
    }                                                                                  \
    /* The same, of z and z z. In the end the first to come have their mean as pivot,  \
       with d the way to the old one from there: one number may lie far from the       \
       others. */                                                                      \
    SG_INLINE void sg_note_squares_##s(sg_##s##v *record, int64_t count,               \
                                       const sg_##s##v *sums,                          \
                                       const sg_##s##v *squares)                       \
    {                                                                                  \
        const bool are_first = record[0][0] == 0;                                      \
        sg_note_##s(record, count, sums, squares);                                     \
        if (are_first) {                                                               \
            const sg_##s##v mean = record[1] + record[2] / record[0];                  \
            const sg_##s##v pivot = sg_if_finite_##s(mean, record[1]);                 \
            const sg_##s##v d = record[1] - pivot;                                     \
            record[1] = pivot;                                                         \
            record[3] += d * (2 * record[2] + d * record[0]);                          \
            record[2] += d * record[0];                                                \
        }                                                                              \
    }

SG_SUMS(float, f32)
SG_SUMS(double, f64)

/* The sums of ``turns`` records, ``step`` vectors apart, for the first lanes. */
#define SG_TOTALS_HEAD(T, s)                                                           \
    SG_COMMON void sg_totals_##s(const sg_##s##v *records, int64_t turns,              \
                                 int64_t step, T *sums, T *products, int64_t lanes)
#define SG_TOTALS(T, s)                                                                \
    SG_TOTALS_HEAD(T, s)                                                               \
    {                                                                                  \
        double sum[sg_lanes_##s] = {0}, product[sg_lanes_##s] = {0};                   \
        for (const sg_##s##v *at = records; turns > 0; turns--, at += step)            \
            for (int lane = 0; lane < sg_lanes_##s; lane++) {                          \
                sum[lane] += at[2][lane];                                              \
                product[lane] += at[3][lane];                                          \
            }                                                                          \
        for (int lane = 0; lane < lanes; lane++) {                                     \
            sums[lane] = (T)sum[lane];                                                 \
            products[lane] = (T)product[lane];                                         \
        }                                                                              \
    }

/* Mean and variance of what is in the records: their sums about the first pivot
   (Chan, Golub & LeVeque, "Algorithms for Computing the Sample Variance", 1983).
   sum (r - p)^2 = sum (z + d)^2, d being the way from p to the record's pivot. */
#define SG_MOMENTS_HEAD(T, s)                                                          \
    SG_COMMON void sg_moments_##s(const sg_##s##v *records, int64_t turns,             \
                                  int64_t step, T *means, T *variances, int64_t lanes)
#define SG_MOMENTS(T, s)                                                               \
    SG_MOMENTS_HEAD(T, s)                                                              \
    {                                                                                  \
        double n = 0, sum[sg_lanes_##s] = {0}, square[sg_lanes_##s] = {0};             \
        const sg_##s##v *at = records;                                                 \
        for (int64_t turn = 0; turn < turns; turn++, at += step) {                     \
            const double count = at[0][0];                                             \
            n += count;                                                                \
            for (int lane = 0; lane < sg_lanes_##s; lane++) {                          \
                const double d = (double)at[1][lane] - (double)records[1][lane];       \
                const double z = at[2][lane];                                          \
                sum[lane] += z + count * d;                                            \
                square[lane] += at[3][lane] + d * (2 * z + count * d);                 \
            }                                                                          \
        }                                                                              \
        for (int lane = 0; lane < lanes; lane++) {                                     \
            const double shift = sum[lane] / n;                                        \
            const double rest = (square[lane] - sum[lane] * shift) / n;                \
            means[lane] = (T)(turns > 0 ? records[1][lane] + shift : shift);           \
            variances[lane] = (T)(rest < 0 ? 0 : rest);                                \
        }                                                                              \
    }

#endif
