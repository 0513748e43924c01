#pragma once
/*
 * metrics - figures for Prometheus, in its text format 0.0.4. All families are one table (metrics.c), which
 * docs/metrics.md is compared with.
 *
 * Guests beyond the configuration's metrics_guests (in the order of their appearance), and those whose name
 * is "other", are told together as guest="other", so that the number of series is bounded: bytes and problems
 * are summed, shares are means weighted by memory.
 */
#include "daemon/service.h"

struct evbuffer;

#define HN_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Appends every family. -ENOMEM, -errno of reading free memory. */
int hn_metrics_write(struct hn_service *service, struct evbuffer *out, struct hn_error *err);

/* Name, type and meaning of the family with that number; false behind the last. For documentation. */
bool hn_metrics_family(size_t index, const char **ret_name, const char **ret_type, const char **ret_help);

/* A label's value, escaped: \, ", and line ends; bytes that are no UTF-8 become '?'. */
void hn_metrics_add_label(struct evbuffer *out, const char *value);
