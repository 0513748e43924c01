#include "cli/option.h"

#include <stdio.h>

int hn_option_next(const struct hn_invocation *invocation, const char *shorts, const struct option *longs)
{
	char *name = invocation->argv[0], whole[64];
	int option;

	/* getopt begins its complaint with it */
	snprintf(whole, sizeof(whole), "homenode %s", name);
	invocation->argv[0] = whole;
	option = getopt_long(invocation->argc, invocation->argv, shorts, longs, NULL);
	invocation->argv[0] = name;
	if (option == '?')
		fprintf(stderr, "See homenode %s --help\n", name);
	return option;
}
