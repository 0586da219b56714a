/* x to the power y, on float and double: 2^(y log2 |x|), then the cases of C's pow. */
#ifndef SYMGRAPH_POWER_H
#define SYMGRAPH_POWER_H

#include "exponential.h"
#include "pairs.h"

#if defined(__FMA__) || defined(__aarch64__)

/* log2(x) for finite x > 0, to about 2^-65 of it: what y, up to 2^10 times as large,
   leaves of it must still be right. With s = f / (2 + f) and z = s^2,
   log(1 + f) = 2 s (1 + z / 3 + z^2 G(z)). */
SG_INLINE sg_pair sg_log2_pair(double x)
{
    double e;
    const double f = sg_split_all_f64(x, &e) - 1.0;
    const sg_pair below = sg_quick_sum(2.0, f);
    const double quotient = f / below.high;
    const sg_pair back = sg_product(quotient, below.high);
    const double rest = ((f - back.high) - back.low) - quotient * below.low;
    const sg_pair s = {quotient, rest / below.high};
    const sg_pair z = sg_pair_product(s, s);
    double g = 0.058621635304233734;
    g = g * z.high + 0.05853063232281699;
    g = g * z.high + 0.0666740439940617;
    g = g * z.high + 0.0769229744350359;
    g = g * z.high + 0.09090909168049924;
    g = g * z.high + 0.11111111110826383;
    g = g * z.high + 0.14285714285714685;
    g = g * z.high + 0.2;
    const sg_pair third = {0.3333333333333333, 1.850371707708594e-17};
    const sg_pair two_over_ln2 = {2.8853900817779268, 4.0710547481862066e-17};
    const sg_pair series = sg_pair_product(z, third);
    const sg_pair more = {series.high, series.low + z.high * z.high * g};
    const sg_pair line = sg_pair_product(s, two_over_ln2);
    const sg_pair curve = sg_pair_sum(line, sg_pair_product(line, more));
    return sg_pair_sum((sg_pair){e, 0.0}, curve);
}

/* 2^(a + b) where b is small; 0 and infinity beyond the range. */
SG_INLINE double sg_exp2_pair(double a, double b)
{
    const double below = a > 1100.0 ? 1100.0 : a;
    const double inside = below < -1100.0 ? -1100.0 : below;
    const double small = sg_abs_f64(a) < 1100.0 ? b : 0.0;
    const double n = sg_nearest_f64(inside);
    const double fraction = inside - n;
    const sg_pair r = sg_product(fraction, 0.6931471805599453);
    const double tail = fraction * 2.3190468138462996e-17 + small * 0.6931471805599453;
    const double low = r.low + tail;
    const double q = sg_small_expm1_f64(r.high);
    const double p = 1.0 + (q + (low + low * q));
    const double half = sg_nearest_f64(0.5 * n);
    return p * sg_power_of_two_f64(half) * sg_power_of_two_f64(n - half);
}

/* |x|^y; at 0 and infinity the logarithm is infinite. Elsewhere it is 0 or above 2^-53,
   so that from 2^70 on one y is as good as another. */
SG_INLINE double sg_size_of_pow_f64(double x, double y)
{
    const double size = sg_abs_f64(x);
    y = sg_abs_f64(y) > 0x1p70 ? sg_copysign_f64(0x1p70, y) : y;
    const sg_pair log2 = sg_log2_pair(size);
    const double low = size == 0.0 ? -(double)INFINITY : log2.high;
    const double high = size == (double)INFINITY ? size : low;
    const sg_pair product = sg_product(y, size == size ? high : size);
    return sg_exp2_pair(product.high, product.low + y * log2.low);
}

#else

/* Pairs cost too much without fused multiplication: the library's. */
SG_INLINE double sg_size_of_pow_f64(double x, double y)
{
    return __builtin_pow(sg_abs_f64(x), y);
}

#endif

SG_INLINE float sg_size_of_pow_f32(float x, float y)
{
    return (float)sg_exp2_f64((double)y * sg_log2_f64((double)sg_abs_f32(x)));
}

/* A power of 0 and any power of 1 is 1; a negative x takes its sign from an odd y, and
   no broken y. */
#define SG_POWER(T, s)                                                                 \
    SG_INLINE T sg_pow_##s(T x, T y)                                                   \
    {                                                                                  \
        const T size = sg_size_of_pow_##s(x, y), half = y * (T)0.5;                    \
        const bool whole = sg_floor_##s(y) == y;                                       \
        const bool odd = whole & (sg_floor_##s(half) != half);                         \
        const T value = odd ? sg_copysign_##s(size, x) : size;                         \
        const bool none = (x < 0) & (x > -(T)INFINITY) & !whole;                       \
        const T defined = none ? (T)NAN : value;                                       \
        const bool one = (x == 1) | (y == 0) | ((x == -1) & sg_isinf_##s(y));          \
        return one ? 1 : defined;                                                      \
    }

SG_POWER(float, f32)
SG_POWER(double, f64)

#endif
