#pragma once
/*
 * show - one guest in full: its cells over the nodes, its threads, why and what.
 */
#include <stdbool.h>

#include "model/host.h"
#include "model/report.h"

/* 0 or -ENOMEM. */
int hn_print_guest(const struct hn_host *host, const struct hn_report *report, bool colour);
