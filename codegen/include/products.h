/* Sums of products in register tiles: the middle stage of Winograd's filtering. */
#ifndef SYMGRAPH_PRODUCTS_H
#define SYMGRAPH_PRODUCTS_H

#include "ahead.h"
#include "vectors.h"

/* At each of ``points``, for each of ``parts``:

       to[k][p] (+)= sum_turn filters[turn][k] inputs[turn][p],  p < width,

   where filters and what they make are vectors. Steps from one point, part, turn, k or
   p to the next are counted in elements. */
typedef struct sg_products {
    int64_t points, parts, turns, width;
    int64_t wide; /* of the width, what is done in the wider tiles */
    int64_t input_point, input_turn, input_step;
    int64_t filter_point, filter_part, filter_turn, filter_vector;
    int64_t to_point, to_part, to_vector, to_step;
    bool add; /* to what is there; else it is overwritten */
    sg_ahead *ahead; /* what is asked for meanwhile, if anything */
} sg_products;

/* A pointer ``steps`` elements on. In bytes: gcc would write every loop a second time
   for steps of one element. */
#define SG_AHEAD(T, from, steps)                                                       \
    ((const T *)((const char *)(from) + (steps) * (int64_t)sizeof(T)))

/* One turn of V vectors by P numbers, ``ahead`` turns on. Three numbers share one
   pointer, as x86 addresses base + {0, 1, 2} * step: a pointer for each would not fit
   in the registers. */
#define SG_PRODUCT_TURN(T, s, V, P, ahead)                                             \
    {                                                                                  \
        sg_##s##v weight[V];                                                           \
        SG_UNROLL for (int k = 0; k < V; k++)                                          \
            weight[k] = sg_load_##s(                                                   \
                SG_AHEAD(T, filter, k * filter_vector + (ahead) * filter_turn));       \
        SG_UNROLL for (int p = 0; p < P; p++) {                                        \
            const T *const third = SG_AHEAD(T, in[p / 3], (ahead) * input_turn);       \
            const T number = *SG_AHEAD(T, third, p % 3 * input_step);                  \
            SG_UNROLL for (int k = 0; k < V; k++)                                      \
                sg_add_product_##s(&sum[k][p], number, weight[k]);                     \
        }                                                                              \
    }
#define SG_PRODUCT_TURNS(T, s, V, P, count)                                            \
    {                                                                                  \
        SG_UNROLL for (int ahead = 0; ahead < count; ahead++)                          \
            SG_PRODUCT_TURN(T, s, V, P, ahead)                                         \
        SG_UNROLL for (int p = 0; p < P; p += 3)                                       \
            in[p / 3] = SG_AHEAD(T, in[p / 3], count * input_turn);                    \
        filter = SG_AHEAD(T, filter, count * filter_turn);                             \
    }

/* V vectors by P numbers, ``group`` turns at once. */
#define SG_PRODUCT_TILE(T, s, V, P, group)                                             \
    {                                                                                  \
        sg_##s##v sum[V][P];                                                           \
        const T *filter = from, *in[(P + 2) / 3];                                      \
        SG_UNROLL for (int k = 0; k < V; k++) SG_UNROLL for (int p = 0; p < P; p++)    \
            sum[k][p] = (sg_##s##v){0};                                                \
        SG_UNROLL for (int p = 0; p < P; p += 3)                                       \
            in[p / 3] = SG_AHEAD(T, at, p * input_step);                               \
        int64_t turn = 0;                                                              \
        SG_ROLLED for (; turn + group <= g.turns; turn += group)                       \
            SG_PRODUCT_TURNS(T, s, V, P, group)                                        \
        SG_ROLLED for (; group > 1 && turn < g.turns; turn++)                          \
            SG_PRODUCT_TURNS(T, s, V, P, 1)                                            \
        SG_UNROLL for (int p = 0; p < P; p++, out += g.to_step)                        \
            SG_UNROLL for (int k = 0; k < V; k++)                                      \
        {                                                                              \
            T *const place = out + k * g.to_vector;                                    \
            sg_store_##s(place, g.add ? sg_load_##s(place) + sum[k][p] : sum[k][p]);   \
        }                                                                              \
        done += P, at += P * input_step;                                               \
        if (g.ahead)                                                                   \
            sg_ask_for_some(g.ahead);                                                  \
    }

/* The width is done in tiles of P, then of Q numbers; the last may reach beyond it. */
#define SG_PRODUCTS_BODY(T, s, V, P, Q, group, turn_in, step_in, turn_of, vector)      \
    {                                                                                  \
        const sg_products g = *size; /* no store can change it */                      \
        const int64_t wide = sg_min(g.wide, g.width);                                  \
        const int64_t input_turn = turn_in, input_step = step_in;                      \
        const int64_t filter_turn = turn_of, filter_vector = vector;                   \
        for (int64_t point = 0; point < g.points; point++)                             \
            for (int64_t part = 0; part < g.parts; part++) {                           \
                const T *from =                                                        \
                    filters + point * g.filter_point + part * g.filter_part;           \
                const T *at = inputs + point * g.input_point;                          \
                T *out = to + point * g.to_point + part * g.to_part;                   \
                int64_t done = 0;                                                      \
                while (done < wide)                                                    \
                    SG_PRODUCT_TILE(T, s, V, P, group)                                 \
                while (done < g.width)                                                 \
                    SG_PRODUCT_TILE(T, s, V, Q, group)                                 \
            }                                                                          \
    }

/* One turn after another, with any steps. */
#define SG_PRODUCTS_HEAD(T, s, V, P, Q)                                                \
    SG_COMMON void sg_products_##V##_##P##_##Q##_##s(                                  \
        const T *inputs, const T *filters, T *to, const sg_products *size)
#define SG_PRODUCTS(T, s, V, P, Q)                                                     \
    SG_PRODUCTS_HEAD(T, s, V, P, Q)                                                    \
    SG_PRODUCTS_BODY(T, s, V, P, Q, 1, g.input_turn, g.input_step, g.filter_turn,      \
                     g.filter_vector)

/* Four turns at once, as ``writes_out`` in tiles.py says why. Each takes the numbers
   behind those of the one before: inputs one, filters one vector on. */
#define SG_PRODUCTS_ALONG_HEAD(T, s, V, P, Q)                                          \
    SG_COMMON void sg_products_along_##V##_##P##_##Q##_##s(                            \
        const T *inputs, const T *filters, T *to, const sg_products *size)
#define SG_PRODUCTS_ALONG(T, s, V, P, Q)                                               \
    SG_PRODUCTS_ALONG_HEAD(T, s, V, P, Q)                                              \
    SG_PRODUCTS_BODY(T, s, V, P, Q, 4, 1, g.input_step, sg_lanes_##s, g.filter_vector)

/* Two turns at once, where the numbers of a turn lie side by side, and its vectors. */
#define SG_PRODUCTS_ACROSS_HEAD(T, s, V, P, Q)                                         \
    SG_COMMON void sg_products_across_##V##_##P##_##Q##_##s(                           \
        const T *inputs, const T *filters, T *to, const sg_products *size)
#define SG_PRODUCTS_ACROSS(T, s, V, P, Q)                                              \
    SG_PRODUCTS_ACROSS_HEAD(T, s, V, P, Q)                                             \
    SG_PRODUCTS_BODY(T, s, V, P, Q, 2, g.input_turn, 1, g.filter_turn, sg_lanes_##s)

#endif
