/* Calls by Python as it calls a C extension: no Python code runs between.

   ``direct.py`` makes the function that Python calls, and fills in what is declared
   here. It serves shapes that were shown to it, and gives None back for anything else:
   the caller then goes the long way, which converts, complains or learns. Python's
   objects are pointers to us; of NumPy's arrays ``symgraph.h`` knows the words. */
#ifndef SYMGRAPH_DIRECT_H
#define SYMGRAPH_DIRECT_H

#include "symgraph.h"

typedef void sg_object;

/* Functions of the interpreter and of NumPy; ``direct.py`` has the same table. */
typedef struct sg_python {
    void *(*unlock)(void); /* let other threads of Python run */
    void (*lock)(void *state);
    void (*keep)(sg_object *object); /* count one holder more, or one less */
    void (*drop)(sg_object *object);
    sg_object *(*empty)(int ndim, const intptr_t *shape, sg_object *dtype, int fortran);
    sg_object *(*list)(intptr_t count);
    int (*put)(sg_object *list, intptr_t place, sg_object *item);
    void *(*pointer)(sg_object *capsule, const char *name);
    sg_object *none;
} sg_python;

/* What the shapes of a call's arguments decide. A shape is its length, then itself. */
typedef struct sg_plan {
    sg_call call;
    int64_t changes;         /* of shared variables, when this was made */
    const intptr_t *shapes;  /* of the arguments */
    const intptr_t *results; /* of the results */
    sg_object **items;       /* arguments, then what is fixed, then results */
} sg_plan;

typedef struct sg_direct {
    const sg_python *python;
    sg_entry *entry;
    const int64_t *changes;
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

/* A new list of new arrays for the results; NULL, and Python's error set, if there is
   no memory. The last items of the plan are those arrays. */
static inline sg_object *sg_direct_results(const sg_direct *direct, const sg_plan *plan)
{
    const sg_python *python = direct->python;
    sg_object **items = plan->items + direct->arguments + direct->fixed;
    const intptr_t *shape = plan->results;
    sg_object *list = python->list(direct->results);
    for (int64_t place = 0; list && place < direct->results; place++) {
        python->keep(direct->dtypes[place]); /* ``empty`` takes it over */
        const int ndim = (int)*shape++;
        items[place] = python->empty(ndim, shape, direct->dtypes[place], 0);
        shape += ndim;
        if (!items[place] || python->put(list, place, items[place])) {
            python->drop(list);
            list = NULL;
        }
    }
    return list;
}

/* Run the program without Python's lock. What is fixed could be replaced meanwhile, so
   it is held; the arguments are held by who calls. */
static inline int64_t sg_direct_run(const sg_direct *direct, sg_plan *plan)
{
    const sg_python *python = direct->python;
    sg_object **fixed = plan->items + direct->arguments;
    for (int64_t place = 0; place < direct->fixed; place++)
        python->keep(fixed[place]);
    void *state = python->unlock();
    const int64_t code = direct->entry(&plan->call);
    python->lock(state);
    for (int64_t place = 0; place < direct->fixed; place++)
        python->drop(fixed[place]);
    return code;
}

/* The list of results, or None where the long way is to be gone: for another shape,
   after a change of what is fixed (making results can run Python code, so it is looked
   for after that), or with an error, which the long way meets again and explains. */
static inline sg_object *sg_direct_try(const sg_direct *direct,
                                       sg_object *const *arguments)
{
    const sg_python *python = direct->python;
    sg_plan *plan = sg_direct_find(direct, arguments);
    sg_object *list = plan ? sg_direct_results(direct, plan) : python->none;
    if (!plan || !list)
        return list;
    memcpy(plan->items, arguments, (size_t)direct->arguments * sizeof *arguments);
    if (plan->changes == *direct->changes && sg_direct_run(direct, plan) == 0)
        return list;
    python->drop(list);
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
