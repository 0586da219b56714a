/* Values that live between the calls of a program, and are replaced by them.

   A cell is an object of Python with an attribute that is a tuple: an array, the number
   of its version, and None or why there is no value. Such a tuple is never changed,
   only replaced, and whoever replaces or reads several holds a lock. A call notes the
   tuples that it meets, computes from their arrays, and replaces those of the cells
   that it updates, all at once and only if nobody else has replaced one meanwhile. */
#ifndef SYMGRAPH_CELLS_H
#define SYMGRAPH_CELLS_H

#include "python.h"

#define SG_OWNS_DATA 4 /* flag of an array whose memory is its own */

typedef struct sg_cells {
    const sg_python *python;
    int64_t reads, writes;
    sg_object *const *cells;               /* those that are read, then those written */
    sg_object *name;                       /* of the attribute */
    sg_object *acquire, *release, *unless; /* methods of the lock; (False,) */
    sg_object *spares; /* a list: an array to fill for each written cell, or None */
    sg_object **met;   /* during a call: the tuple in each cell, and after these */
    sg_object **next;  /* those that shall replace what is in the written cells */
    intptr_t array;    /* where in an array object an sg_array begins */
} sg_cells;

/* Take the lock unless somebody has it. */
static inline bool sg_cells_lock(const sg_cells *cells)
{
    const sg_python *python = cells->python;
    sg_object *mine = python->call(cells->acquire, cells->unless);
    if (mine)
        python->drop(mine);
    return mine == python->truth;
}

static inline void sg_cells_unlock(const sg_cells *cells)
{
    sg_object *nothing = cells->python->call(cells->release, NULL);
    if (nothing)
        cells->python->drop(nothing);
}

/* Note what is in each cell; false if it is not what is ``expected`` (NULL: anything),
   if one that is read has no value, or if somebody holds the lock. */
static inline bool sg_cells_read(const sg_cells *cells, sg_object *const *expected)
{
    const sg_python *python = cells->python;
    bool fits = true;
    if (!sg_cells_lock(cells))
        return false;
    for (int64_t i = 0; i < cells->reads + cells->writes; i++) {
        cells->met[i] = python->get(cells->cells[i], cells->name);
        fits = fits && cells->met[i];
    }
    sg_cells_unlock(cells);
    for (int64_t i = 0; fits && i < cells->reads; i++)
        fits = python->tuple_get(cells->met[i], 2) == python->none
               && (!expected[i] || expected[i] == cells->met[i]);
    return fits;
}

/* Whether an array is a plain one of this shape. */
static inline bool sg_has_shape(const sg_array *array, int ndim, const intptr_t *shape)
{
    return array->ndim == ndim && (array->flags & SG_PLAIN) == SG_PLAIN
           && (ndim == 0 || !memcmp(array->shape, shape, (size_t)ndim * sizeof *shape));
}

/* An array to fill for a written cell: its spare if only the list holds that. */
static inline sg_object *sg_cells_room(const sg_cells *cells, int64_t place, int ndim,
                                       const intptr_t *shape, sg_object *dtype)
{
    const sg_python *python = cells->python;
    sg_object *spare = python->list_get(cells->spares, place);
    if (spare && spare != python->none && sg_holders(spare) == 1
        && sg_has_shape((sg_array *)((char *)spare + cells->array), ndim, shape)) {
        python->keep(spare);
        python->keep(python->none);
        python->list_put(cells->spares, place, python->none);
        return spare;
    }
    python->keep(dtype); /* ``empty`` takes it over */
    return python->empty(ndim, shape, dtype, 0);
}

/* What shall replace the tuple in a written cell: ``array``, which is taken over, and
   the version after that of now. False if there is no memory. */
static inline bool sg_cells_follow(const sg_cells *cells, int64_t place,
                                   sg_object *array)
{
    const sg_python *python = cells->python;
    sg_object *old = cells->met[cells->reads + place];
    sg_object *version = python->number(python->value(python->tuple_get(old, 1)) + 1);
    sg_object *tuple = python->tuple(3);
    if (!version || !tuple) {
        python->drop(array);
        if (version)
            python->drop(version);
        if (tuple)
            python->drop(tuple);
        return false;
    }
    python->keep(python->none);
    python->tuple_put(tuple, 0, array);
    python->tuple_put(tuple, 1, version);
    python->tuple_put(tuple, 2, python->none);
    cells->next[place] = tuple;
    return true;
}

/* Whether each written cell holds what the call met in it; the lock is held. */
static inline bool sg_cells_unchanged(const sg_cells *cells)
{
    bool same = true;
    for (int64_t i = cells->reads; i < cells->reads + cells->writes; i++) {
        sg_object *now = cells->python->get(cells->cells[i], cells->name);
        same = same && now == cells->met[i];
        if (now)
            cells->python->drop(now);
    }
    return same;
}

/* The array in a tuple becomes the spare of its cell, if its memory is its own. */
static inline void sg_cells_spare(const sg_cells *cells, int64_t place,
                                  sg_object *tuple)
{
    const sg_python *python = cells->python;
    sg_object *array = python->tuple_get(tuple, 0);
    if (((sg_array *)((char *)array + cells->array))->flags & SG_OWNS_DATA) {
        python->keep(array);
        python->list_put(cells->spares, place, array);
    }
}

/* Replace what is in the written cells; false if somebody was faster. */
static inline bool sg_cells_write(const sg_cells *cells)
{
    const sg_python *python = cells->python;
    if (cells->writes == 0)
        return true;
    if (!sg_cells_lock(cells))
        return false;
    const bool same = sg_cells_unchanged(cells);
    for (int64_t i = 0; same && i < cells->writes; i++) {
        python->set(cells->cells[cells->reads + i], cells->name, cells->next[i]);
        sg_cells_spare(cells, i, cells->met[cells->reads + i]);
    }
    sg_cells_unlock(cells);
    return same;
}

/* Let go of all that a call has noted; what it has filled in vain is spare again. */
static inline void sg_cells_close(const sg_cells *cells, bool written)
{
    const sg_python *python = cells->python;
    for (int64_t i = 0; i < cells->writes; i++) {
        if (cells->next[i] && !written)
            sg_cells_spare(cells, i, cells->next[i]);
        if (cells->next[i])
            python->drop(cells->next[i]);
        cells->next[i] = NULL;
    }
    for (int64_t i = 0; i < cells->reads + cells->writes; i++) {
        if (cells->met[i])
            python->drop(cells->met[i]);
        cells->met[i] = NULL;
    }
}

#endif
