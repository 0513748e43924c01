#include "model/calls.h"

#include "base/cleanup.h"
#include "model/names.h"

static const char *const kind_names[HN_CALL_KIND_COUNT] = {"moves", "cpusets", "affinities", "walks"};

const char *hn_call_kind_name(enum hn_call_kind kind)
{
	return hn_name_of(kind_names, HN_COUNT(kind_names), (size_t)kind);
}
