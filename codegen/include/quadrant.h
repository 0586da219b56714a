/* Angles of any size modulo pi/2: x = n pi/2 + r + rest with |r| <= pi/4.

   After Payne & Hanek (1983): of 2/pi only those bits count whose product with x is
   below 4, as whole turns do not change an angle; there are enough of them for the
   float closest to a multiple of pi/2. Free of branches, like all of these functions:
   small angles take the same way with the first bits. */
#ifndef SYMGRAPH_QUADRANT_H
#define SYMGRAPH_QUADRANT_H

#include "bits.h"
#include "floats.h"
#include "pairs.h"

#define SG_HALF_PI 1.5707963267948966
#define SG_HALF_PI_REST 6.123233995736766e-17

/* Entry m: 64 bits of 2/pi from the one of weight 2^(1 - 8 m) on. */
static const uint64_t sg_two_over_pi[] __attribute__((unused)) = {
    0x28be60db9391054a, 0xbe60db9391054a7f, 0x60db9391054a7f09, 0xdb9391054a7f09d5,
    0x9391054a7f09d5f4, 0x91054a7f09d5f47d, 0x054a7f09d5f47d4d, 0x4a7f09d5f47d4d37,
    0x7f09d5f47d4d3770, 0x09d5f47d4d377036, 0xd5f47d4d377036d8, 0xf47d4d377036d8a5,
    0x7d4d377036d8a566, 0x4d377036d8a5664f, 0x377036d8a5664f10, 0x7036d8a5664f10e4,
    0x36d8a5664f10e410, 0xd8a5664f10e4107f, 0xa5664f10e4107f94, 0x664f10e4107f9458,
    0x4f10e4107f9458ea, 0x10e4107f9458eaf7, 0xe4107f9458eaf7ae, 0x107f9458eaf7aef1,
    0x7f9458eaf7aef158, 0x9458eaf7aef1586d, 0x58eaf7aef1586dc9, 0xeaf7aef1586dc91b,
    0xf7aef1586dc91b8e, 0xaef1586dc91b8e90, 0xf1586dc91b8e9093, 0x586dc91b8e909374,
    0x6dc91b8e909374b8, 0xc91b8e909374b801, 0x1b8e909374b80192, 0x8e909374b801924b,
    0x909374b801924bba, 0x9374b801924bba82, 0x74b801924bba8274, 0xb801924bba827464,
    0x01924bba82746487, 0x924bba827464873f, 0x4bba827464873f87, 0xba827464873f877a,
    0x827464873f877ac7, 0x7464873f877ac72c, 0x64873f877ac72c4a, 0x873f877ac72c4a69,
    0x3f877ac72c4a69cf, 0x877ac72c4a69cfba, 0x7ac72c4a69cfba20, 0xc72c4a69cfba208d,
    0x2c4a69cfba208d7d, 0x4a69cfba208d7d4b, 0x69cfba208d7d4bae, 0xcfba208d7d4baed1,
    0xba208d7d4baed121, 0x208d7d4baed1213a, 0x8d7d4baed1213a67, 0x7d4baed1213a671c,
    0x4baed1213a671c09, 0xaed1213a671c09ad, 0xd1213a671c09ad17, 0x213a671c09ad17df,
    0x3a671c09ad17df90, 0x671c09ad17df904e, 0x1c09ad17df904e64, 0x09ad17df904e6475,
    0xad17df904e64758e, 0x17df904e64758e60, 0xdf904e64758e60d4, 0x904e64758e60d4ce,
    0x4e64758e60d4ce7d, 0x64758e60d4ce7d27, 0x758e60d4ce7d2721, 0x8e60d4ce7d272117,
    0x60d4ce7d272117e2, 0xd4ce7d272117e2ef, 0xce7d272117e2ef7e, 0x7d272117e2ef7e4a,
    0x272117e2ef7e4a0e, 0x2117e2ef7e4a0ec7, 0x17e2ef7e4a0ec7fe, 0xe2ef7e4a0ec7fe25,
    0xef7e4a0ec7fe25ff, 0x7e4a0ec7fe25fff7, 0x4a0ec7fe25fff781, 0x0ec7fe25fff78166,
    0xc7fe25fff7816603, 0xfe25fff7816603fb, 0x25fff7816603fbcb, 0xfff7816603fbcbc4,
    0xf7816603fbcbc462, 0x816603fbcbc462d6, 0x6603fbcbc462d682, 0x03fbcbc462d6829b,
    0xfbcbc462d6829b47, 0xcbc462d6829b47db, 0xc462d6829b47db4d, 0x62d6829b47db4d9f,
    0xd6829b47db4d9fb3, 0x829b47db4d9fb3c9, 0x9b47db4d9fb3c9f2, 0x47db4d9fb3c9f2c2,
    0xdb4d9fb3c9f2c26d, 0x4d9fb3c9f2c26dd3, 0x9fb3c9f2c26dd3d1, 0xb3c9f2c26dd3d18f,
    0xc9f2c26dd3d18fd9, 0xf2c26dd3d18fd9a7, 0xc26dd3d18fd9a797, 0x6dd3d18fd9a797fa,
    0xd3d18fd9a797fa8b, 0xd18fd9a797fa8b5d, 0x8fd9a797fa8b5d49, 0xd9a797fa8b5d49ee,
    0xa797fa8b5d49eeb1, 0x97fa8b5d49eeb1fa, 0xfa8b5d49eeb1faf9, 0x8b5d49eeb1faf97c,
    0x5d49eeb1faf97c5e, 0x49eeb1faf97c5ecf, 0xeeb1faf97c5ecf41, 0xb1faf97c5ecf41ce,
    0xfaf97c5ecf41ce7d, 0xf97c5ecf41ce7de2, 0x7c5ecf41ce7de294, 0x5ecf41ce7de294a4,
    0xcf41ce7de294a4ba, 0x41ce7de294a4ba9a, 0xce7de294a4ba9afe, 0x7de294a4ba9afed7,
    0xe294a4ba9afed7ec, 0x94a4ba9afed7ec47, 0xa4ba9afed7ec47e3, 0xba9afed7ec47e357,
    0x9afed7ec47e35742, 0xfed7ec47e3574215, 0xd7ec47e357421580, 0xec47e357421580cc,
};

/* How many bytes of 2/pi to skip for an x of this exponent: as many as leave
   x / 2^(8 k) a multiple of 2^(1075 - bias), if it is one. */
SG_INLINE uint64_t sg_skipped(double x, uint64_t bias)
{
    const uint64_t above = ((sg_bits_f64(x) >> 52) & 0x7ff) - bias;
    return (above & ((above >> 63) - 1)) >> 3;
}

/* x / 2^(8 k) */
SG_INLINE double sg_scaled_down(double x, uint64_t k)
{
    return x * sg_from_bits_f64((1023 - 8 * k) << 52);
}

/* A whole number below 2^52 as a double. */
SG_INLINE double sg_whole(uint64_t number)
{
    return sg_from_bits_f64(number | 0x4330000000000000u) - 0x1p52;
}

/* y times 192 bits of 2/pi, modulo 4, and that times pi/2; the last bits of n count. */
SG_INLINE double sg_quadrant(double x, double *rest, uint64_t *n)
{
    const uint64_t k = sg_skipped(x, 1075);
    const double y = sg_scaled_down(x, k);
    const double a = sg_whole(sg_two_over_pi[k] >> 16) * 0x1p-46;
    const double b = sg_whole(sg_two_over_pi[k + 6] >> 16) * 0x1p-94;
    const double c = sg_whole(sg_two_over_pi[k + 12] >> 16) * 0x1p-142;
    const double d = sg_whole(sg_two_over_pi[k + 18] >> 16) * 0x1p-190;
    const sg_pair ya = sg_product(y, a), yb = sg_product(y, b), yc = sg_product(y, c);
    const double turned = ya.high - 4.0 * sg_round_f64(0.25 * ya.high);
    const sg_pair first = sg_sum(turned, ya.low), second = sg_sum(first.high, yb.high);
    const double shifted = second.high + SG_SHIFT_F64;
    *n = sg_bits_f64(shifted);
    const double fraction = second.high - (shifted - SG_SHIFT_F64);
    const sg_pair third = sg_sum(first.low, second.low);
    const sg_pair fourth = sg_sum(yc.high, yb.low);
    const sg_pair fifth = sg_sum(third.high, fourth.high);
    const sg_pair sixth = sg_sum(fraction, fifth.high);
    const double tail = third.low + fourth.low + fifth.low + (yc.low + y * d);
    const sg_pair part = sg_quick_sum(sixth.high, sixth.low + tail);
    const sg_pair r = sg_product(part.high, SG_HALF_PI);
    const bool small = sg_abs_f64(x) < 0.75;
    *rest = small ? 0.0 : r.low + (part.high * SG_HALF_PI_REST + part.low * SG_HALF_PI);
    return small ? x : r.high;
}

/* The same for a float, whose 24 bits need 96 of 2/pi; r alone, in double. */
SG_INLINE double sg_quadrant_f32(float x, uint64_t *n)
{
    const uint64_t k = sg_skipped((double)x, 1046);
    const double y = sg_scaled_down((double)x, k);
    const uint64_t first = sg_two_over_pi[k];
    const double a = y * (sg_whole(first >> 40) * 0x1p-22);
    const double b = y * (sg_whole((first >> 16) & 0xffffff) * 0x1p-46);
    const double c = y * (sg_whole(sg_two_over_pi[k + 6] >> 16) * 0x1p-94);
    const double near_a = a + SG_SHIFT_F64, near_b = b + SG_SHIFT_F64;
    const double sum = (a - (near_a - SG_SHIFT_F64)) + (b - (near_b - SG_SHIFT_F64));
    const double near = sum + SG_SHIFT_F64;
    *n = sg_bits_f64(near_a) + sg_bits_f64(near_b) + sg_bits_f64(near);
    return ((sum - (near - SG_SHIFT_F64)) + c) * SG_HALF_PI;
}

#endif
