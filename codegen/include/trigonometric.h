/* Circular functions and their inverses, on float and double.

   As in ``exponential.h``: no branches, polynomials by Remez exchange, errors held by
   tests. Angles of any size are right; see ``quadrant.h``. */
#ifndef SYMGRAPH_TRIGONOMETRIC_H
#define SYMGRAPH_TRIGONOMETRIC_H

#include "exponential.h"
#include "quadrant.h"

/* --- sin, cos, tan ------------------------------------------------------------- */

SG_INLINE double sg_sin_part_f64(double r, double rest)
{
    const double z = r * r;
    double s = 1.5896505534725095e-10;
    s = s * z + -2.5050753275732522e-08;
    s = s * z + 2.7557313662138925e-06;
    s = s * z + -0.00019841269829725484;
    s = s * z + 0.008333333333322316;
    s = s * z + -0.16666666666666632;
    return r + (rest + r * z * s);
}

SG_INLINE double sg_cos_part_f64(double r, double rest)
{
    const double z = r * r;
    double c = -1.135944948629423e-11;
    c = c * z + 2.087571957725609e-09;
    c = c * z + -2.75573143261953e-07;
    c = c * z + 2.4801587289395624e-05;
    c = c * z + -0.0013888888888873992;
    c = c * z + 0.0416666666666666;
    const double half = 0.5 * z, most = 1.0 - half;
    return most + (((1.0 - most) - half) + (z * z * c - r * rest));
}

SG_INLINE float sg_sin_part_f32(float r)
{
    const float z = r * r;
    const float s = (-0.00019516656f * z + 0.008332174f) * z + -0.16666655f;
    return r + r * z * s;
}

SG_INLINE float sg_cos_part_f32(float r)
{
    const float z = r * r;
    const float c = (2.4437732e-05f * z + -0.0013887361f) * z + 0.041666647f;
    return 1.0f - (0.5f * z - z * z * c);
}

/* The sine of an angle in quadrant n, from the sine and cosine of what is left. */
SG_INLINE double sg_turned_f64(uint64_t n, double sine, double cosine)
{
    const double value = sg_by_parity_f64(n, cosine, sine);
    return sg_from_bits_f64(sg_bits_f64(value) ^ ((n & 2) << 62));
}

SG_INLINE float sg_turned_f32(uint32_t n, float sine, float cosine)
{
    const float value = sg_by_parity_f32(n, cosine, sine);
    return sg_from_bits_f32(sg_bits_f32(value) ^ ((n & 2) << 30));
}

SG_INLINE double sg_sin_f64(double x)
{
    double rest;
    uint64_t n;
    const double r = sg_quadrant(x, &rest, &n);
    const double sine = sg_sin_part_f64(r, rest), cosine = sg_cos_part_f64(r, rest);
    const double value = sg_turned_f64(n, sine, cosine);
    return x == 0 ? x : value;
}

SG_INLINE double sg_cos_f64(double x)
{
    double rest;
    uint64_t n;
    const double r = sg_quadrant(x, &rest, &n);
    return sg_turned_f64(n + 1, sg_sin_part_f64(r, rest), sg_cos_part_f64(r, rest));
}

SG_INLINE double sg_tan_f64(double x)
{
    double rest;
    uint64_t n;
    const double r = sg_quadrant(x, &rest, &n);
    const double sine = sg_sin_part_f64(r, rest), cosine = sg_cos_part_f64(r, rest);
    const double over = sg_by_parity_f64(n, cosine, sine);
    const double value = over / sg_by_parity_f64(n, sine, cosine);
    return x == 0 ? x : sg_from_bits_f64(sg_bits_f64(value) ^ (n << 63));
}

SG_INLINE float sg_sin_f32(float x)
{
    uint64_t n;
    const float r = (float)sg_quadrant_f32(x, &n);
    const float sine = sg_sin_part_f32(r), cosine = sg_cos_part_f32(r);
    const float value = sg_turned_f32((uint32_t)n, sine, cosine);
    return x == 0 ? x : value;
}

SG_INLINE float sg_cos_f32(float x)
{
    uint64_t n;
    const float r = (float)sg_quadrant_f32(x, &n);
    return sg_turned_f32((uint32_t)n + 1, sg_sin_part_f32(r), sg_cos_part_f32(r));
}

/* --- inverse functions --------------------------------------------------------- */

/* asin(s) = s + s z P(z) for z = s^2 <= 1/4 */
SG_INLINE double sg_asin_part(double s, double z)
{
    double p = 0.031981612604556675;
    p = p * z + -0.01632657002850538;
    p = p * z + 0.0195942554539975;
    p = p * z + 0.006503554487733148;
    p = p * z + 0.012174933774093738;
    p = p * z + 0.01388435180588315;
    p = p * z + 0.017359795508411234;
    p = p * z + 0.02237175194588267;
    p = p * z + 0.030381959395183674;
    p = p * z + 0.04464285682198257;
    p = p * z + 0.0750000000034479;
    p = p * z + 0.16666666666665375;
    return s + s * z * p;
}

/* Beyond 1/2, asin(y) = pi/2 - 2 asin(sqrt((1 - y) / 2)). */
SG_INLINE double sg_asin_f64(double x)
{
    const double y = sg_abs_f64(x);
    const bool large = y > 0.5;
    const double z = large ? 0.5 * (1.0 - y) : y * y;
    const double p = sg_asin_part(large ? sg_sqrt_f64(z) : y, z);
    const double angle = large ? SG_HALF_PI - (2.0 * p - SG_HALF_PI_REST) : p;
    return sg_copysign_f64(angle, x);
}

SG_INLINE double sg_acos_f64(double x)
{
    const double y = sg_abs_f64(x);
    const bool large = y > 0.5;
    const double z = large ? 0.5 * (1.0 - y) : y * y;
    const double p = sg_asin_part(large ? sg_sqrt_f64(z) : y, z);
    const double ends = x < 0 ? 2.0 * (SG_HALF_PI - (p - SG_HALF_PI_REST)) : 2.0 * p;
    const double middle = SG_HALF_PI - (sg_copysign_f64(p, x) - SG_HALF_PI_REST);
    return large ? ends : middle;
}

/* atan(t) for 0 <= t <= 1: t + t z P(z) with z = t^2 */
SG_INLINE double sg_atan_part(double t)
{
    const double z = t * t;
    double p = 1.3481606978467498e-05;
    p = p * z + -0.0001547226057292329;
    p = p * z + 0.0008431509033457528;
    p = p * z + -0.0029184254492578892;
    p = p * z + 0.007261633161035358;
    p = p * z + -0.013992631604815758;
    p = p * z + 0.022082737759697102;
    p = p * z + -0.029983679241384214;
    p = p * z + 0.03669238040861065;
    p = p * z + -0.04221663744168371;
    p = p * z + 0.04723273560650434;
    p = p * z + -0.05253799963775935;
    p = p * z + 0.058805913539946866;
    p = p * z + -0.06666414805151365;
    p = p * z + 0.07692281164417054;
    p = p * z + -0.09090907117447587;
    p = p * z + 0.11111111013554774;
    p = p * z + -0.14285714282799178;
    p = p * z + 0.19999999999955387;
    p = p * z + -0.33333333333333093;
    return t + t * z * p;
}

SG_INLINE double sg_atan_f64(double x)
{
    const double y = sg_abs_f64(x);
    const double p = sg_atan_part(y > 1.0 ? 1.0 / y : y);
    const double angle = y > 1.0 ? SG_HALF_PI - (p - SG_HALF_PI_REST) : p;
    return sg_copysign_f64(angle, x);
}

/* The angle of the point (x, y); the signs of zeros choose the side. */
SG_INLINE double sg_atan2_f64(double y, double x)
{
    const double rise = sg_abs_f64(y), run = sg_abs_f64(x);
    const double low = rise < run ? rise : run, high = rise < run ? run : rise;
    const double ratio = low == high ? (high == 0 ? 0.0 : 1.0) : low / high;
    const double p = sg_atan_part(ratio);
    const double first = rise > run ? SG_HALF_PI - (p - SG_HALF_PI_REST) : p;
    const bool left = (int64_t)sg_bits_f64(x) < 0;
    const double other = 2.0 * SG_HALF_PI - (first - 2.0 * SG_HALF_PI_REST);
    const double angle = left ? other : first;
    const double value = sg_copysign_f64(angle, y);
    return x != x || y != y ? x + y : value;
}

/* --- float, by way of double --------------------------------------------------- */

SG_INLINE float sg_tan_f32(float x) { return (float)sg_tan_f64(x); }
SG_INLINE float sg_asin_f32(float x) { return (float)sg_asin_f64(x); }
SG_INLINE float sg_acos_f32(float x) { return (float)sg_acos_f64(x); }
SG_INLINE float sg_atan_f32(float x) { return (float)sg_atan_f64(x); }
SG_INLINE float sg_atan2_f32(float y, float x) { return (float)sg_atan2_f64(y, x); }

#endif
