/*
 * Macros as cppcheck can read them; included in front of each file that it looks at.
 */
#include "base/cleanup.h"
#include "base/set.h"

/* statement expressions are syntax errors to it */
#undef hn_steal
#define hn_steal(pointer) (pointer)
