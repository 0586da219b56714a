/* Calls by Python as it calls a C extension: no Python code runs between.

   ``direct.py`` makes the function that Python calls, and fills in what is declared
   here. It serves shapes that were shown to it, and gives None back for anything else:
   the caller then goes the long way, which converts, complains or learns. Python's
   objects are pointers to us; of NumPy's arrays ``symgraph.h`` knows the words. */
#ifndef SYMGRAPH_DIRECT_H
#define SYMGRAPH_DIRECT_H

#include "cells.h"

/* What the shapes of a call's arguments decide. A shape is its length, then itself. */
typedef struct sg_plan {
    sg_call call;
    const intptr_t *shapes;     /* of the arguments */
    const intptr_t *results;    /* of the results */
    sg_object *const *expected; /* tuples in the cells, where they matter, or NULL */
    sg_object **items; /* arguments, what is in the cells, what is fixed, results */
} sg_plan;

typedef struct sg_direct {
    sg_entry *entry;
    const sg_cells *cells;
    sg_object *const *dtypes; /* of the results */
    int64_t arguments, fixed, results, plans;
    sg_plan *const *plan;
    int64_t busy; /* whether a call or a change of the plans is under way */
} sg_direct;

/* Whether this caller alone has the plans now; set ``busy`` to 0 to give them back. */
SG_EXPORT bool sg_direct_claim(sg_direct *direct);
bool sg_direct_claim(sg_direct *direct)
{
    return !__atomic_exchange_n(&direct->busy, 1, __ATOMIC_ACQUIRE);
}

/* Whether all arguments are arrays of the plan's shapes. */
static inline bool sg_direct_fits(const sg_direct *direct, const sg_plan *plan,
                                  sg_object *const *arguments)
{
    const intptr_t *shape = plan->shapes;
    for (int64_t place = 0; place < direct->arguments; place++) {
        const char *object = (const char *)arguments[place] + plan->call.array;
        const sg_array *array = (const sg_array *)object;
        if ((intptr_t)array->type != plan->call.type || array->ndim != shape[0])
            return false;
        shape++;
        for (int axis = 0; axis < array->ndim; axis++)
            if (array->shape[axis] != *shape++)
                return false;
    }
    return true;
}

static inline sg_plan *sg_direct_find(const sg_direct *direct,
                                      sg_object *const *arguments)
{
    for (int64_t place = 0; place < direct->plans; place++)
        if (sg_direct_fits(direct, direct->plan[place], arguments))
            return direct->plan[place];
    return NULL;
}

/* A list of new arrays for the results that are given back, and arrays for the new
   values of cells; NULL if there is no memory. They are the last items of the plan. */
static inline sg_object *sg_direct_results(const sg_direct *direct, const sg_plan *plan)
{
    const sg_cells *cells = direct->cells;
    const sg_python *python = cells->python;
    const int64_t given = direct->results - cells->writes;
    sg_object **items = plan->items + direct->arguments + cells->reads + direct->fixed;
    const intptr_t *shape = plan->results;
    sg_object *list = python->list(given);
    bool room = list;
    for (int64_t place = 0; room && place < direct->results; place++) {
        const int ndim = (int)*shape++;
        sg_object *dtype = direct->dtypes[place];
        if (place < given) {
            python->keep(dtype); /* ``empty`` takes it over */
            items[place] = python->empty(ndim, shape, dtype, 0);
            room = items[place] && !python->list_put(list, place, items[place]);
        } else {
            items[place] = sg_cells_room(cells, place - given, ndim, shape, dtype);
            room = items[place] && sg_cells_follow(cells, place - given, items[place]);
        }
        shape += ndim;
    }
    if (list && !room)
        python->drop(list);
    return room ? list : NULL;
}

/* Run the program without Python's lock: the arguments are held by who calls, what is
   in the cells by what the call has noted, and the rest by the plan. */
static inline int64_t sg_direct_run(const sg_direct *direct, sg_plan *plan,
                                    sg_object *const *arguments)
{
    const sg_cells *cells = direct->cells;
    memcpy(plan->items, arguments, (size_t)direct->arguments * sizeof *arguments);
    for (int64_t i = 0; i < cells->reads; i++)
        plan->items[direct->arguments + i] = cells->python->tuple_get(cells->met[i], 0);
    void *state = cells->python->unlock();
    const int64_t code = direct->entry(&plan->call);
    cells->python->relock(state);
    return code;
}

/* The list of results, or None where the long way is to be gone: for another shape,
   where something in a cell is not as expected, or with an error, which the long way
   meets again and explains. */
static inline sg_object *sg_direct_try(const sg_direct *direct,
                                       sg_object *const *arguments)
{
    const sg_cells *cells = direct->cells;
    const sg_python *python = cells->python;
    sg_plan *plan = sg_direct_find(direct, arguments);
    if (!plan)
        return python->none;
    sg_object *list = NULL;
    if (cells->reads + cells->writes == 0 || sg_cells_read(cells, plan->expected))
        list = sg_direct_results(direct, plan);
    const bool done = list && sg_direct_run(direct, plan, arguments) == 0
                      && sg_cells_write(cells);
    sg_cells_close(cells, done);
    if (done)
        return list;
    if (list)
        python->drop(list);
    python->clear();
    return python->none;
}

static const sg_python *sg_direct_python;

SG_EXPORT void sg_direct_open(const sg_python *python);
void sg_direct_open(const sg_python *python)
{
    sg_direct_python = python;
}

/* What Python calls; ``self`` is a capsule around a ``sg_direct``. */
SG_EXPORT sg_object *sg_direct_call(sg_object *self, sg_object *const *arguments,
                                    intptr_t count);
sg_object *sg_direct_call(sg_object *self, sg_object *const *arguments, intptr_t count)
{
    const sg_python *python = sg_direct_python;
    sg_direct *direct = (sg_direct *)python->pointer(self, NULL);
    sg_object *result = python->none;
    if (count == direct->arguments && sg_direct_claim(direct)) {
        result = sg_direct_try(direct, arguments);
        __atomic_store_n(&direct->busy, 0, __ATOMIC_RELEASE);
    }
    if (result == python->none)
        python->keep(result);
    return result;
}

#endif
