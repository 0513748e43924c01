#pragma once
/*
 * program - the least distance of a placement as an integer program, to check the oracle with (GLPK).
 *
 * The quadratic assignment of cells to nodes, made linear as Adams and Johnson do it (Improved linear
 * programming-based lower bounds for the quadratic assignment problem, 1994): x(i,a) says that cell i is on
 * node a, y(i,a,j,b) that both are; the sum over b of y(i,a,j,b) is x(i,a), and likewise the other way.
 */
#include <stdbool.h>
#include <stdint.h>

#include "bench/oracle.h"

/*
 * True when GLPK has proven an optimum or that nothing fits, in at most limit_ms; *ret_feasible, and
 * *ret_remote as HN_COST_REMOTE. For small problems: it has nodes^2 x cells^2 / 2 variables.
 */
bool program_solve(const struct oracle_problem *problem, int limit_ms, bool *ret_feasible,
		   uint64_t *ret_remote);
