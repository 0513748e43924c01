#include "bench/program.h"

#include <glpk.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/units.h"

HN_CLEANUP_DEFINE(glp_prob, glp_prob *, glp_delete_prob);

/* Columns: first all x, then all y by pair i < j. */
static int column_x(const struct oracle_problem *problem, size_t cell, size_t node)
{
	return 1 + (int)(cell * problem->nodes + node);
}

static int column_y(const struct oracle_problem *problem, size_t i, size_t a, size_t j, size_t b)
{
	size_t pair = j * (j - 1) / 2 + i, nodes = problem->nodes;

	return 1 + (int)(problem->cells * nodes + (pair * nodes + a) * nodes + b);
}

static void add_row(glp_prob *program, int type, double bound, int count, const int *columns,
		    const double *factors)
{
	int row = glp_add_rows(program, 1);

	glp_set_row_bnds(program, row, type, bound, bound);
	glp_set_mat_row(program, row, count, columns, factors);
}

static void add_columns(const struct oracle_problem *problem, glp_prob *program)
{
	size_t nodes = problem->nodes, cells = problem->cells, pairs = cells * (cells - 1) / 2;

	glp_add_cols(program, (int)(cells * nodes + pairs * nodes * nodes));
	for (size_t i = 0; i < cells; i++) {
		for (size_t a = 0; a < nodes; a++) {
			glp_set_col_kind(program, column_x(problem, i, a), GLP_BV);
			for (size_t j = i + 1; j < cells; j++) {
				for (size_t b = 0; b < nodes; b++) {
					int column = column_y(problem, i, a, j, b);

					glp_set_col_bnds(program, column, GLP_LO, 0, 0);
					glp_set_obj_coef(program, column, problem->distance[a][b]);
				}
			}
		}
	}
}

/* Each cell is on one node; what is on a node fits into it. */
static void add_rules(const struct oracle_problem *problem, glp_prob *program)
{
	int columns[1 + ORACLE_NODES];
	double ones[1 + ORACLE_NODES], cpus[1 + ORACLE_CELLS], mib[1 + ORACLE_CELLS];

	for (size_t i = 0; i < problem->cells; i++) {
		for (size_t a = 0; a < problem->nodes; a++) {
			columns[1 + a] = column_x(problem, i, a);
			ones[1 + a] = 1;
		}
		add_row(program, GLP_FX, 1, (int)problem->nodes, columns, ones);
	}
	for (size_t a = 0; a < problem->nodes; a++) {
		for (size_t i = 0; i < problem->cells; i++) {
			columns[1 + i] = column_x(problem, i, a);
			cpus[1 + i] = problem->vcpus[i];
			mib[1 + i] = (double)problem->bytes[i] / HN_MIB;
		}
		add_row(program, GLP_UP, problem->cpus[a], (int)problem->cells, columns, cpus);
		add_row(program, GLP_UP, floor((double)problem->room[a] / HN_MIB), (int)problem->cells,
			columns, mib);
	}
}

/* The y of two cells add up to the x of each. */
static void add_pairs(const struct oracle_problem *problem, glp_prob *program, size_t i, size_t j)
{
	int columns[2 + ORACLE_NODES], count = (int)problem->nodes;
	double factors[2 + ORACLE_NODES];

	for (size_t a = 0; a < problem->nodes; a++) {
		for (size_t b = 0; b < problem->nodes; b++) {
			columns[1 + b] = column_y(problem, i, a, j, b);
			factors[1 + b] = 1;
		}
		columns[1 + count] = column_x(problem, i, a);
		factors[1 + count] = -1;
		add_row(program, GLP_FX, 0, count + 1, columns, factors);
		for (size_t b = 0; b < problem->nodes; b++)
			columns[1 + b] = column_y(problem, i, b, j, a);
		columns[1 + count] = column_x(problem, j, a);
		add_row(program, GLP_FX, 0, count + 1, columns, factors);
	}
}

bool program_solve(const struct oracle_problem *problem, int limit_ms, bool *ret_feasible,
		   uint64_t *ret_remote)
{
	HN_AUTO(glp_prob) glp_prob *program = glp_create_prob();
	glp_iocp options;
	int r, status;

	glp_term_out(GLP_OFF);
	glp_set_obj_dir(program, GLP_MIN);
	add_columns(problem, program);
	add_rules(problem, program);
	for (size_t j = 1; j < problem->cells; j++)
		for (size_t i = 0; i < j; i++)
			add_pairs(problem, program, i, j);
	glp_init_iocp(&options);
	options.presolve = GLP_ON;
	options.tm_lim = limit_ms;
	r = glp_intopt(program, &options);
	status = glp_mip_status(program);
	*ret_feasible = r == 0 && status == GLP_OPT;
	*ret_remote = *ret_feasible ? (uint64_t)llround(glp_mip_obj_val(program)) : 0;
	return *ret_feasible || r == GLP_ENOPFS || r == GLP_ENODFS || (r == 0 && status == GLP_NOFEAS);
}
