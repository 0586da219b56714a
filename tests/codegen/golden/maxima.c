#include "symgraph.h"
#include "program.h"
#include "scalars.h"
#include "vectors.h"
#include "pooling.h"

static void sg_maxima_0_0(const sg_frame *frame, int64_t begin, int64_t end, char *scratch)
{
    float *restrict x = (float *)frame->buffers[0];
    float *restrict y = (float *)frame->buffers[1];
    uint8_t *restrict places = (uint8_t *)frame->buffers[2];
    (void)scratch;
    for (int64_t unit = begin; unit < end; unit++) {
        int64_t rest = unit;
        const int64_t band = rest % (4);
        rest /= 4;
        const int64_t bundle = 0;
        const int64_t sample = rest;
        const float *const from = x + 160*bundle + 160*sample;
        for (int64_t row = sg_floordiv(2*band, 4); row < sg_floordiv(2 + 2*band, 4); row++) {
            const int64_t first_row = 0;
            const int64_t rows = 2;
            (void)rows;
            const float *const line = from + 40*first_row + 80*row;
            for (int64_t column = 0; column < 3; column++) {
                __builtin_prefetch(x + 2048 + 160*bundle + 32*column + 80*row + 160*sample, 0, 3);
                __builtin_prefetch(x + 2064 + 160*bundle + 32*column + 80*row + 160*sample, 0, 3);
                const float *const at = line + -8 + 16*column;
                sg_f32v sum[1][1];
                sg_f32m place[1][1];
                if (column >= 1 && column < 2) {
                    sum[0][0] = sg_whole_first_f32(at + 0, 40, 2, 3, &place[0][0]);
                }
                else {
                    const int64_t first_column = sg_max(1 + -2*column, 0);
                    const int64_t columns = -1*sg_max(1 + -2*column, 0) + sg_min(6 + -2*column, 3);
                    sum[0][0] = sg_window_first_f32(at + 8*first_column, 40, rows, columns, first_column + 3*first_row, 3, &place[0][0]);
                }
                SG_UNROLL for (int64_t k = 0; k < 1; k++) {
                    const int64_t vector = bundle * 1 + k;
                    SG_UNROLL for (int64_t i = 0; i < 1; i++) SG_UNROLL for (int64_t j = 0; j < 1; j++) {
                        const int64_t out_row = i + row;
                        const int64_t out_column = column + j;
                        const sg_f32v value = sum[k][i * 1 + j];
                        const sg_f32v result = sg_larger_f32v(sg_splat_f32(0.0f), value);
                        sg_store_f32(y + 8*out_column + 24*out_row + 48*sample + 48*vector, result);
                    }
                }
                SG_UNROLL for (int64_t k = 0; k < 1; k++) {
                    const int64_t vector = bundle * 1 + k;
                    SG_UNROLL for (int64_t i = 0; i < 1; i++) SG_UNROLL for (int64_t j = 0; j < 1; j++) {
                        const int64_t out_row = i + row;
                        const int64_t out_column = column + j;
                        sg_store_places_f32(places + 8*out_column + 24*out_row + 48*sample + 48*vector, place[k][i * 1 + j]);
                    }
                }
            }
        }
    }
}

static __attribute__((cold)) int64_t sg_program_maxima(const sg_call *call, sg_box *boxes, int64_t members)
{
    char *buffers[3];
    sg_place(call, 3, 0, buffers);
    sg_error error = {0};
    sg_frame frame = {.buffers = buffers, .sizes = call->sizes};
    frame.boxes = boxes, frame.members = members, frame.error = &error;
    frame.seconds = call->seconds, frame.then = frame.seconds ? sg_clock() : 0;
    /* 0: pool */
    sg_step(&frame, sg_maxima_0_0, NULL, 4, 0, 0);
    return sg_outcome(call, &error);
}

static int64_t sg_entry_maxima(const sg_call *call)
{
    if (call->items && !sg_unpack(call, 3))
        return SG_NOT_PLAIN;
    return sg_run(sg_program_maxima, call, (0) / SG_SERIAL_COST);
}

SG_EXPORT sg_entry *sg_entry_at(int64_t place);
sg_entry *sg_entry_at(int64_t place)
{
    static sg_entry *const entries[] = {sg_entry_maxima};
    return entries[place];
}
