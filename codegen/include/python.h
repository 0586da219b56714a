/* Functions of Python's interpreter and of NumPy, called through pointers.

   ``python_table.py`` fills the table in; nothing is linked to Python, and none of its
   headers is needed. All of them want Python's lock to be held but ``relock``. */
#ifndef SYMGRAPH_PYTHON_H
#define SYMGRAPH_PYTHON_H

#include "symgraph.h"

typedef void sg_object;

typedef struct sg_python {
    void *(*unlock)(void); /* let other threads of Python run */
    void (*relock)(void *state);
    void (*keep)(sg_object *object); /* count one holder more, or one less */
    void (*drop)(sg_object *object);
    void (*clear)(void); /* forget an error */
    sg_object *(*call)(sg_object *callable, sg_object *arguments);
    sg_object *(*get)(sg_object *object, sg_object *name);
    int (*set)(sg_object *object, sg_object *name, sg_object *value);
    sg_object *(*number)(long long value);
    long long (*value)(sg_object *number);
    sg_object *(*list)(intptr_t count);
    sg_object *(*list_get)(sg_object *list, intptr_t place);            /* borrowed */
    int (*list_put)(sg_object *list, intptr_t place, sg_object *item);  /* taken over */
    sg_object *(*tuple)(intptr_t count);
    sg_object *(*tuple_get)(sg_object *tuple, intptr_t place);          /* borrowed */
    int (*tuple_put)(sg_object *tuple, intptr_t place, sg_object *item);
    void *(*pointer)(sg_object *capsule, const char *name);
    sg_object *(*empty)(int ndim, const intptr_t *shape, sg_object *dtype, int fortran);
    sg_object *none, *truth;
} sg_python;

/* How many hold an object; the number is its first word, or the lower half of it. */
SG_INLINE uint32_t sg_holders(const sg_object *object)
{
    return __atomic_load_n((const uint32_t *)object, __ATOMIC_RELAXED);
}

#endif
