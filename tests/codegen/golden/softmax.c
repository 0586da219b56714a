#include "symgraph.h"
#include "program.h"
#include "scalars.h"

static void sg_softmax_0_0(const sg_frame *frame, int64_t begin, int64_t end, char *scratch)
{
    const int64_t n = frame->sizes[1];
    float *restrict y = (float *)frame->buffers[1];
    float *restrict x = (float *)frame->buffers[0];
    (void)scratch;
    for (int64_t i0 = begin; i0 < end; i0++) {
        float top = ((float)-INFINITY);
        #pragma omp simd reduction(sg_maximum: top)
        for (int64_t j = 0; j < n; j++) {
            top = sg_maximum_f32(top, x[i0*n + j]);
        }
        double total = 0.0;
        #pragma omp simd reduction(+: total)
        for (int64_t j = 0; j < n; j++) {
            const float e = sg_exp_f32((x[i0*n + j] - top));
            total = (total + ((double)e));
            y[i0*n + j] = e;
        }
        const float scale = ((float)(1 / total));
        #pragma omp simd
        for (int64_t j = 0; j < n; j++) {
            y[i0*n + j] = (y[i0*n + j] * scale);
        }
    }
}

static __attribute__((cold)) int64_t sg_program_softmax(const sg_call *call, sg_box *boxes, int64_t members)
{
    const int64_t m = call->sizes[0];
    (void)m;
    const int64_t n = call->sizes[1];
    (void)n;
    char *buffers[2];
    sg_place(call, 2, 0, buffers);
    sg_error error = {0};
    sg_frame frame = {.buffers = buffers, .sizes = call->sizes};
    frame.boxes = boxes, frame.members = members, frame.error = &error;
    frame.seconds = call->seconds, frame.then = frame.seconds ? sg_clock() : 0;
    /* 0: softmax */
    sg_step(&frame, sg_softmax_0_0, NULL, m, 8 + 23*n, 0);
    return sg_outcome(call, &error);
}

static int64_t sg_entry_softmax(const sg_call *call)
{
    if (call->items && !sg_unpack(call, 2))
        return SG_NOT_PLAIN;
    const int64_t m = call->sizes[0];
    (void)m;
    const int64_t n = call->sizes[1];
    (void)n;
    return sg_run(sg_program_softmax, call, (-8 + 8*m + 23*m*n + -23*n) / SG_SERIAL_COST);
}

SG_EXPORT sg_entry *sg_entry_at(int64_t place);
sg_entry *sg_entry_at(int64_t place)
{
    static sg_entry *const entries[] = {sg_entry_softmax};
    return entries[place];
}
