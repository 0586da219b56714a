/* exp, log and what follows from them, on float and double.

   Without branches or calls, so that loops around them become vectors. Each is within
   the number of units in the last place that ``tests/codegen/test_scalar_math.py``
   holds it to. The polynomials are minimax (Remez exchange) for the relative error.
   A float function that is seldom used is computed in double and rounded once. */
#ifndef SYMGRAPH_EXPONENTIAL_H
#define SYMGRAPH_EXPONENTIAL_H

#include "bits.h"
#include "floats.h"

/* --- exp ----------------------------------------------------------------------- */

/* e^r - 1 = r + r^2 Q(r) for |r| <= ln(2) / 2; here Q(r) */
SG_INLINE float sg_expm1_rest_f32(float r)
{
    float q = 0.0013947597f;
    q = q * r + 0.008367247f;
    q = q * r + 0.041666266f;
    q = q * r + 0.16666538f;
    return q * r + 0.5f;
}

SG_INLINE double sg_expm1_rest_f64(double r)
{
    double q = 2.5115719965881488e-08;
    q = q * r + 2.7627701320988174e-07;
    q = q * r + 2.7557224267984403e-06;
    q = q * r + 2.4801501113300414e-05;
    q = q * r + 0.0001984126990680944;
    q = q * r + 0.001388888893502796;
    q = q * r + 0.008333333333313047;
    q = q * r + 0.041666666666565995;
    q = q * r + 0.16666666666666688;
    return q * r + 0.5000000000000007;
}

/* x - n ln(2), ln(2) being a head of so few bits that n * head is exact, and a tail */
SG_INLINE float sg_less_ln2_f32(float x, float n)
{
    return (x - n * 0.693359375f) + n * 2.12194440e-4f;
}

SG_INLINE double sg_less_ln2_f64(double x, double n)
{
    return (x - n * 0.6931471803691238) - n * 1.9082149292705877e-10;
}

/* Between LOWEST and HIGHEST, e^(x + low) 2^more where |low| is small, e^x - 1, and
   2^x. Outside what comes out has no meaning; nan stays nan. What is far below 1 is
   made larger by 2^AWAY while it is multiplied. */
#define SG_EXPONENTIAL(T, s, LOWEST, HIGHEST, LOG2E, SHIFT, AWAY)                      \
    SG_INLINE T sg_small_expm1_##s(T r) { return r + r * r * sg_expm1_rest_##s(r); }   \
    SG_INLINE T sg_small_exp_##s(T r, T shifted, int more) /* e^r 2^(n + more) */      \
    {                                                                                  \
        return sg_scaled_##s(1 + sg_small_expm1_##s(r), shifted, more);                \
    }                                                                                  \
    SG_INLINE T sg_expm1_inside_##s(T x)                                               \
    {                                                                                  \
        const T shifted = x * (LOG2E) + (SHIFT), n = shifted - (SHIFT);                \
        const T q = sg_small_expm1_##s(sg_less_ln2_##s(x, n));                         \
        const T half = sg_power_of_two_##s(n - 1); /* 2^n may be infinite */           \
        return 2 * (half * q + (half - (T)0.5));                                       \
    }                                                                                  \
    /* the ends are chosen last: as bounds of x, compilers mingle them with the rest */\
    SG_INLINE T sg_exp_ends_##s(T x, T value, T lowest, T highest)                     \
    {                                                                                  \
        const T above = x > highest ? (T)INFINITY : value;                             \
        return x < lowest ? 0 : above;                                                 \
    }                                                                                  \
    SG_INLINE T sg_exp_parts_##s(T x, T low, int more)                                 \
    {                                                                                  \
        const T shifted = x * (LOG2E) + (SHIFT), n = shifted - (SHIFT);                \
        const T r = sg_less_ln2_##s(x, n) + low;                                       \
        const T value = sg_small_exp_##s(r, shifted, more);                            \
        return sg_exp_ends_##s(x, value, LOWEST, HIGHEST);                             \
    }                                                                                  \
    SG_INLINE T sg_exp_##s(T x)                                                        \
    {                                                                                  \
        const T shifted = x * (LOG2E) + (SHIFT), n = shifted - (SHIFT);                \
        const T value = sg_small_exp_##s(sg_less_ln2_##s(x, n), shifted, 0);           \
        return sg_exp_ends_##s(x, value, LOWEST, HIGHEST);                             \
    }                                                                                  \
    SG_INLINE T sg_exp2_##s(T x)                                                       \
    {                                                                                  \
        const T shifted = x + (SHIFT), n = shifted - (SHIFT);                          \
        const T r = (x - n) * (T)0.6931471805599453;                                   \
        const T value = sg_small_exp_##s(r, shifted, 0);                               \
        return sg_exp_ends_##s(x, value, (LOWEST) * (LOG2E), (HIGHEST) * (LOG2E));     \
    }                                                                                  \
    /* e^x for x <= 0, by one factor of which 2^AWAY is taken off at last */           \
    SG_INLINE T sg_exp_fall_##s(T x)                                                   \
    {                                                                                  \
        const T inside = x < (LOWEST) ? (LOWEST) : x, shift = (SHIFT) + (AWAY);        \
        const T shifted = inside * (LOG2E) + shift, n = shifted - shift;               \
        const T r = sg_less_ln2_##s(inside, n);                                        \
        const T p = 1 + r * (1 + r * sg_expm1_rest_##s(r));                            \
        return p * sg_power_at_##s(shifted) * sg_power_of_two_##s(-(AWAY));            \
    }                                                                                  \
    SG_INLINE T sg_expm1_##s(T x)                                                      \
    {                                                                                  \
        const T below = x > (HIGHEST)-2 ? (HIGHEST)-2 : x;                             \
        const T value = sg_expm1_inside_##s(below < -40 ? -40 : below);                \
        return x == 0 ? x : value; /* keeps the sign of zero */                        \
    }

SG_EXPONENTIAL(float, f32, -105.0f, 91.0f, 1.44269504f, SG_SHIFT_F32, 64.0f)
SG_EXPONENTIAL(double, f64, -746.0, 712.0, 1.4426950408889634, SG_SHIFT_F64, 512.0)

/* --- log ----------------------------------------------------------------------- */

/* log(1 + f) for sqrt(1/2) <= 1 + f <= sqrt(2), plus e ln(2) */
SG_INLINE float sg_log_parts_f32(float f, float e)
{
    float r = -0.078599f;
    r = r * f + 0.12885812f;
    r = r * f + -0.13130449f;
    r = r * f + 0.14180706f;
    r = r * f + -0.1662435f;
    r = r * f + 0.20002303f;
    r = r * f + -0.25000817f;
    r = r * f + 0.33333316f;
    const float square = f * f;
    const float tail = square * f * r - e * 2.12194440e-4f;
    return e * 0.693359375f + (f + (tail - 0.5f * square));
}

/* With s = f / (2 + f): log(1 + f) = 2 atanh(s) = 2s + s^3 R(s^2) */
SG_INLINE double sg_log_parts_f64(double f, double e)
{
    const double s = f / (2.0 + f);
    const double z = s * s;
    double r = 0.14799025436925897;
    r = r * z + 0.15313760124832057;
    r = r * z + 0.18183574980124428;
    r = r * z + 0.22222198382418226;
    r = r * z + 0.2857142874409781;
    r = r * z + 0.3999999999940772;
    r = r * z + 0.6666666666666735;
    const double half = 0.5 * f * f;
    const double tail = s * (half + z * r) + e * 1.9082149292705877e-10;
    return e * 0.6931471803691238 - ((half - tail) - f);
}

/* x = m 2^e with sqrt(1/2) <= m < sqrt(2), for normal positive x */
SG_INLINE float sg_split_f32(float x, float *e)
{
    const uint32_t bits = sg_bits_f32(x) + (0x3f800000u - 0x3f3504f3u);
    *e = (float)((int32_t)(bits >> 23) - 127);
    return sg_from_bits_f32((bits & 0x007fffffu) + 0x3f3504f3u);
}

SG_INLINE double sg_split_f64(double x, double *e)
{
    const uint64_t bits = sg_bits_f64(x) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
    /* the exponent as a double: its bits under those of 2^52, which is taken off */
    *e = sg_from_bits_f64((bits >> 52) | 0x4330000000000000u) - 4503599627371519.0;
    return sg_from_bits_f64((bits & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu);
}

/* What log gives at 0 (minus infinity), below (nan), at infinity and nan (itself). */
#define SG_LOGARITHM(T, s, SMALLEST, UP, UP_LOG)                                       \
    SG_INLINE T sg_log_ends_##s(T x, T value)                                          \
    {                                                                                  \
        const T low = x == 0 ? -(T)INFINITY : (T)NAN;                                  \
        const T inside = x > 0 ? value : low;                                          \
        return x < (T)INFINITY ? inside : x;                                           \
    }                                                                                  \
    SG_INLINE T sg_split_all_##s(T x, T *e)                                            \
    {                                                                                  \
        const bool small = x < (SMALLEST);                                             \
        const T m = sg_split_##s(small ? x * (UP) : x, e);                             \
        *e = small ? *e - (UP_LOG) : *e;                                               \
        return m;                                                                      \
    }                                                                                  \
    SG_INLINE T sg_log_##s(T x)                                                        \
    {                                                                                  \
        T e;                                                                           \
        const T m = sg_split_all_##s(x, &e);                                           \
        return sg_log_ends_##s(x, sg_log_parts_##s(m - 1, e));                         \
    }                                                                                  \
    /* u + c = 1 + x exactly, so that nothing of a small x is lost */                  \
    SG_INLINE T sg_log1p_##s(T x)                                                      \
    {                                                                                  \
        const T u = 1 + x, b = u - 1;                                                  \
        const T c = (1 - (u - b)) + (x - b);                                           \
        T e;                                                                           \
        const T m = sg_split_##s(u, &e);                                               \
        const T f = (m - 1) + c * sg_power_of_two_##s(e < 60 ? -e : -60);              \
        const T value = sg_log_ends_##s(u, sg_log_parts_##s(f, e));                    \
        return x == 0 ? x : value;                                                     \
    }

SG_LOGARITHM(float, f32, 0x1p-126f, 0x1p23f, 23)
SG_LOGARITHM(double, f64, 0x1p-1022, 0x1p52, 52)


SG_INLINE double sg_log2_f64(double x)
{
    double e;
    const double f = sg_split_all_f64(x, &e) - 1;
    const double value = sg_log_parts_f64(f, 0) * 1.4426950408889634 + e;
    return sg_log_ends_f64(x, value);
}

SG_INLINE double sg_log10_f64(double x)
{
    double e;
    const double f = sg_split_all_f64(x, &e) - 1;
    const double low = e * 3.694239077158931e-13; /* log10(2), head and tail */
    const double value = sg_log_parts_f64(f, 0) * 0.4342944819032518 + low;
    return sg_log_ends_f64(x, value + e * 0.30102999566361177);
}

SG_INLINE float sg_log2_f32(float x) { return (float)sg_log2_f64(x); }
SG_INLINE float sg_log10_f32(float x) { return (float)sg_log10_f64(x); }

/* --- functions of these -------------------------------------------------------- */

#define SG_SIGMOIDS(T, s, LARGE)                                                       \
    SG_INLINE T sg_sigmoid_##s(T x)                                                    \
    {                                                                                  \
        const T z = sg_exp_fall_##s(sg_minus_abs_##s(x));                              \
        return (x < 0 ? z : 1) / (1 + z);                                              \
    }                                                                                  \
    SG_INLINE T sg_softplus_##s(T x)                                                   \
    {                                                                                  \
        return sg_relu_##s(x) + sg_log1p_##s(sg_exp_fall_##s(sg_minus_abs_##s(x)));    \
    }                                                                                  \
    /* with t = e^(2|x|) - 1: tanh(|x|) = t / (t + 2) */                               \
    SG_INLINE T sg_tanh_##s(T x)                                                       \
    {                                                                                  \
        const T twice = 2 * sg_abs_##s(x);                                             \
        const T t = sg_expm1_inside_##s(twice > (LARGE) ? (LARGE) : twice);            \
        return sg_copysign_##s(t / (t + 2), x);                                        \
    }

SG_SIGMOIDS(float, f32, 20.0f)
SG_SIGMOIDS(double, f64, 42.0)

#endif
