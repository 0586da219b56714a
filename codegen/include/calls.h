/* How a call begins and ends: arrays, buffers and errors. Part of ``runtime.h``. */
#ifndef SYMGRAPH_CALLS_H
#define SYMGRAPH_CALLS_H

#include "program.h"

bool sg_unpack(const sg_call *call, int64_t count)
{
    const intptr_t *items = (const intptr_t *)call->items;
    for (int64_t place = 0; place < count; place++) {
        const sg_array *array = (const sg_array *)(items[place] + call->array);
        if ((intptr_t)array->type != call->type
            || (intptr_t)array->dtype != call->dtypes[place]
            || (array->flags & SG_PLAIN) != SG_PLAIN)
            return false;
        call->arguments[place] = array->data;
    }
    return true;
}

void sg_place(const sg_call *call, int64_t given, int64_t slots, char **to)
{
    for (int64_t i = 0; i < given; i++)
        to[i] = call->arguments[i];
    for (int64_t i = 0; i < slots; i++)
        to[given + i] = call->arena + call->offsets[i];
}

void sg_fail(const sg_frame *frame, int64_t begin, int64_t code, int64_t a, int64_t b,
             int64_t c)
{
    sg_error *const error = frame->error;
    while (__atomic_exchange_n(&error->busy, true, __ATOMIC_ACQUIRE))
        continue;
    if (!error->code || begin < error->begin)
        *error = (sg_error){code, begin, {a, b, c}, true};
    __atomic_store_n(&error->busy, false, __ATOMIC_RELEASE);
}

int64_t sg_outcome(const sg_call *call, const sg_error *error)
{
    if (error->code && call->found)
        memcpy(call->found, error->found, sizeof error->found);
    return error->code;
}

#endif
