#include "model/pins.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/names.h"

static const char *const pin_names[HN_PIN_COUNT] = {"vfio",     "iommufd", "vdpa",        "rdma",
						    "io-uring", "sev",     "guest-memfd", "other"};

const char *hn_pin_name(enum hn_pin pin)
{
	return hn_name_of(pin_names, HN_COUNT(pin_names), (size_t)pin);
}

int hn_pin_parse(const char *text, enum hn_pin *ret, struct hn_error *err)
{
	int r = hn_name_parse(pin_names, HN_COUNT(pin_names), "pin", text, err);

	if (r < 0)
		return r;
	*ret = (enum hn_pin)r;
	return 0;
}

bool hn_pins_encrypt(unsigned pins)
{
	return pins & (1u << HN_PIN_SEV | 1u << HN_PIN_GUEST_MEMFD);
}

const char *hn_pins_format(unsigned pins, char *text, unsigned size)
{
	size_t used = 0;

	if (size > 0)
		text[0] = '\0';
	for (unsigned i = 0; i < HN_PIN_COUNT && used < size; i++)
		if (pins & 1u << i)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
						 pin_names[i]);
	return text;
}
