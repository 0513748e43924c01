#include "hooks/numad-request.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Advances *at over digits. */
static bool parse_number(const char **at, uint64_t *ret)
{
	size_t digits = strspn(*at, "0123456789");

	if (digits == 0)
		return false;
	*ret = strtoull(*at, NULL, 10); /* the largest there is when it is larger */
	*at += digits;
	return true;
}

bool numad_size_parse(const char *text, unsigned *ret_vcpus, uint64_t *ret_mib)
{
	uint64_t vcpus, mib = 0;

	if (!parse_number(&text, &vcpus))
		return false;
	if (*text == ':') {
		text++;
		if (!parse_number(&text, &mib))
			return false;
	}
	if (*text)
		return false;
	*ret_vcpus = vcpus < UINT_MAX ? (unsigned)vcpus : UINT_MAX;
	*ret_mib = mib;
	return true;
}

static void want_advice(const char *size, struct numad_request *request)
{
	request->wish = NUMAD_ADVICE;
	request->unclear = numad_size_parse(size, &request->vcpus, &request->mib) ? NULL : size;
}

/* The first option counts, but for -w. */
static void want(enum numad_wish wish, char option, struct numad_request *request)
{
	if (request->wish == NUMAD_ADVICE || request->option)
		return;
	request->wish = wish;
	request->option = option;
}

void numad_request_parse(int argc, char **argv, struct numad_request *ret)
{
	enum { ROOT = 256 };
	static const struct option longs[] = {{"root", required_argument, NULL, ROOT},
					      {"help", no_argument, NULL, 'h'},
					      {"version", no_argument, NULL, 'V'},
					      {0}};
	int option;

	*ret = (struct numad_request){.wish = NUMAD_ELSEWHERE, .root = ""};
	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, ":dhvVC:H:i:K:l:m:p:r:R:S:t:u:w:x:", longs, NULL)) != -1) {
		if (option == 'w' || (option == ':' && optopt == 'w'))
			want_advice(option == 'w' ? optarg : "", ret);
		else if (option == ROOT)
			ret->root = optarg;
		else if (option == 'h' || option == 'V')
			want(option == 'h' ? NUMAD_HELP : NUMAD_VERSION, (char)option, ret);
		else
			want(NUMAD_ELSEWHERE, option == ':' ? (char)optopt : (char)option, ret);
	}
}

const char *numad_elsewhere(char option)
{
	static const struct {
		const char *options, *sentence;
	} sentences[] = {
		{"i", "homenoded(8) is the service that looks after guests; how often is its key tick in "
		      "homenode.conf(5)."},
		{"pr",
		 "homenoded(8) finds guests by itself: homenode guests lists them, homenode rebalance GUEST "
		 "brings one home."},
		{"x", "to leave a guest alone, give it mode = off in homenode.conf(5)."},
		{"SCmtu", "what homenoded(8) does with a guest is its mode and policy in homenode.conf(5)."},
		{"K", "a guest whose memory is to stay spread has policy = interleave in homenode.conf(5)."},
		{"R", "CPUs set apart for the host are reserved_cpus in homenode.conf(5)."},
		{"H", "homenode leaves transparent huge pages to the host's own settings."},
		{"dlv", "log_level in homenode.conf(5) says how much homenoded(8) tells."},
		{"?", "there is no such option; see numad -h."},
	};

	for (size_t i = 0; option && i < sizeof(sentences) / sizeof(sentences[0]); i++)
		if (strchr(sentences[i].options, option))
			return sentences[i].sentence;
	return "this numad answers numad -w and is no service: systemctl start homenoded, and see homenode "
	       "guests.";
}
