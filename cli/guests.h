#pragma once
/*
 * guests - the list of guests as a table.
 */
#include <stdbool.h>

#include "cli/fetch.h"

/* 0 or -ENOMEM. */
int hn_print_guests(const struct hn_report_list *list, bool colour);
