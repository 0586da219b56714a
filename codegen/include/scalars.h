/* All scalar functions of the kernel IR. */
#ifndef SYMGRAPH_SCALARS_H
#define SYMGRAPH_SCALARS_H

#include "exponential.h"
#include "floats.h"
#include "hyperbolic.h"
#include "integers.h"
#include "power.h"
#include "special.h"
#include "trigonometric.h"

#endif
