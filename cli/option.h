#pragma once
/*
 * option - the options of a subcommand, one by one, with a complaint about what is none that says where to
 * look.
 */
#include <getopt.h>

#include "cli/command.h"

/* As getopt_long(3), of the subcommand's own argv; optind is to be 0 before the first. '?' when it is no
 * option of the subcommand's, or lacks its value: that has been said then, with the subcommand's --help. */
int hn_option_next(const struct hn_invocation *invocation, const char *shorts, const struct option *longs);
