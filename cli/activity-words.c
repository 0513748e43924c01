#include "cli/activity-words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

static void __attribute__((format(printf, 4, 5)))
append(char *buffer, size_t size, const char *separator, const char *format, ...)
{
	size_t used = strlen(buffer);
	va_list arguments;

	if (used && used + strlen(separator) < size)
		used += (size_t)snprintf(buffer + used, size - used, "%s", separator);
	va_start(arguments, format);
	vsnprintf(buffer + used, size - used, format, arguments);
	va_end(arguments);
}

/* Small figures with a digit behind the point, 0 plainly. */
static int digits(double value)
{
	return value > 0 && value < 9.95;
}

const char *hn_say_stalls(const struct hn_activity *activity, char *buffer, size_t size)
{
	static const char *const names[HN_RESOURCE_COUNT] = {"CPU", "memory", "I/O"};

	*buffer = '\0';
	for (size_t i = 0; i < HN_RESOURCE_COUNT; i++)
		if (activity->stalls[i].some_known)
			append(buffer, size, ", ", "%s %.*f %%", names[i],
			       digits(activity->stalls[i].some_avg10), activity->stalls[i].some_avg10);
	return buffer;
}

static void append_rate(const struct hn_rates *rates, size_t counter, const char *separator,
			const char *before, const char *after, char *buffer, size_t size)
{
	if (hn_rate_known(rates, counter))
		append(buffer, size, separator, "%s%.*f%s", before, digits(rates->values[counter]),
		       rates->values[counter], after);
}

const char *hn_say_kernel(const struct hn_activity *activity, char *buffer, size_t size)
{
	const struct hn_rates *rates = hn_activity_find(activity, HN_COUNTERS_KERNEL, -1);

	*buffer = '\0';
	append_rate(rates, HN_KERNEL_SWAP_IN, "", "swap-in ", "/s", buffer, size);
	append_rate(rates, HN_KERNEL_SWAP_OUT, ", ", "swap-out ", "/s", buffer, size);
	append_rate(rates, HN_KERNEL_HINT_FAULTS, "; ", "hint faults ", "/s", buffer, size);
	if (hn_rate_known(rates, HN_KERNEL_HINT_FAULTS) &&
	    hn_rate_known(rates, HN_KERNEL_HINT_FAULTS_LOCAL) && rates->values[HN_KERNEL_HINT_FAULTS] > 0)
		append(buffer, size, ", ", "%.0f %% local",
		       100 * rates->values[HN_KERNEL_HINT_FAULTS_LOCAL] /
			       rates->values[HN_KERNEL_HINT_FAULTS]);
	append_rate(rates, HN_KERNEL_BALANCED, "; ", "balanced ", " pages/s", buffer, size);
	return buffer;
}

static void append_huge(const struct hn_rates *rates, char *buffer, size_t size)
{
	double small, all;

	if (!hn_rate_known(rates, HN_KVM_PAGES_4K) || !hn_rate_known(rates, HN_KVM_PAGES_2M) ||
	    !hn_rate_known(rates, HN_KVM_PAGES_1G))
		return;
	small = rates->values[HN_KVM_PAGES_4K];
	all = small + 512 * rates->values[HN_KVM_PAGES_2M] + 512.0 * 512 * rates->values[HN_KVM_PAGES_1G];
	if (all > 0)
		append(buffer, size, "; ", "%.0f %% in huge pages", 100 * (1 - small / all));
}

const char *hn_say_kvm(const struct hn_activity *activity, char *buffer, size_t size)
{
	const struct hn_rates *rates = hn_activity_find(activity, HN_COUNTERS_KVM, -1);

	*buffer = '\0';
	append_rate(rates, HN_KVM_EXITS, "", "", " exits/s", buffer, size);
	append_rate(rates, HN_KVM_FAULTS, ", ", "", " faults/s", buffer, size);
	append_rate(rates, HN_KVM_REMOTE_FLUSHES, ", ", "", " flushes/s", buffer, size);
	append_huge(rates, buffer, size);
	return buffer;
}

const char *hn_say_traffic(const struct hn_activity *activity, char *buffer, size_t size)
{
	const struct hn_rates *rates = hn_activity_find(activity, HN_COUNTERS_BANDWIDTH, -1);
	char bytes[HN_UNITS_TEXT_MAX];
	double remote;

	*buffer = '\0';
	if (!hn_rate_known(rates, HN_BANDWIDTH_TOTAL))
		return buffer;
	append(buffer, size, "", "%s/s",
	       hn_bytes_format((uint64_t)rates->values[HN_BANDWIDTH_TOTAL], bytes, sizeof(bytes)));
	if (hn_activity_remote_traffic(activity, &remote))
		append(buffer, size, ", ", "%.0f %% of it with other nodes", 100 * remote);
	return buffer;
}
