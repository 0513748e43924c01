/*
 * What looking for somebody to change places with costs on a host of many guests: counted, not timed. See
 * meson.build for what is wrapped.
 */
#include "policy/swap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "policy/capacity.h"
#include "policy/decide.h"
#include "policy/outlook.h"
#include "policy/regret.h"
#include "policy/whereabouts.h"
#include "scene.h"

static unsigned rounds; /* through all guests of the host */
static unsigned losses; /* of one cell of one guest */

int __real_hn_outlook_init(struct hn_outlook *outlook, const struct hn_snapshot *snapshot);
int __wrap_hn_outlook_init(struct hn_outlook *outlook, const struct hn_snapshot *snapshot);
void __real_hn_busy_of_nodes(const struct hn_snapshot *snapshot, double *busy);
void __wrap_hn_busy_of_nodes(const struct hn_snapshot *snapshot, double *busy);
struct hn_capacity *__real_hn_capacity_new_for(const struct hn_snapshot *snapshot, const size_t *guests,
					       size_t guest_count, uint64_t keep_free_bytes);
struct hn_capacity *__wrap_hn_capacity_new_for(const struct hn_snapshot *snapshot, const size_t *guests,
					       size_t guest_count, uint64_t keep_free_bytes);
double __real_hn_loss_of_cell(const struct hn_host *host, const struct hn_guest *guest,
			      const struct hn_sample *sample, size_t cell);
double __wrap_hn_loss_of_cell(const struct hn_host *host, const struct hn_guest *guest,
			      const struct hn_sample *sample, size_t cell);

int __wrap_hn_outlook_init(struct hn_outlook *outlook, const struct hn_snapshot *snapshot)
{
	rounds++;
	return __real_hn_outlook_init(outlook, snapshot);
}

void __wrap_hn_busy_of_nodes(const struct hn_snapshot *snapshot, double *busy)
{
	rounds++;
	__real_hn_busy_of_nodes(snapshot, busy);
}

struct hn_capacity *__wrap_hn_capacity_new_for(const struct hn_snapshot *snapshot, const size_t *guests,
					       size_t guest_count, uint64_t keep_free_bytes)
{
	rounds++;
	return __real_hn_capacity_new_for(snapshot, guests, guest_count, keep_free_bytes);
}

double __wrap_hn_loss_of_cell(const struct hn_host *host, const struct hn_guest *guest,
			      const struct hn_sample *sample, size_t cell)
{
	losses++;
	return __real_hn_loss_of_cell(host, guest, sample, cell);
}

/* Half of them on each of two full nodes, each with its vCPUs on the other and nowhere else to go. */
static struct hn_snapshot *crossed(int guests, uint64_t free_mib)
{
	struct hn_snapshot *snapshot = scene_new(2, 64, 4000 + (uint64_t)guests * 1000);

	for (int i = 0; i < guests; i++) {
		size_t at = (size_t)i % 2, guest;
		char name[16];

		snprintf(name, sizeof(name), "g%d", i);
		guest = scene_guest_on(snapshot, name, 1, 1000, 4, at);
		scene_threads(snapshot, guest, -1, !at);
		hn_set_add(&snapshot->guests[guest].guest->allowed_nodes, (int)!at);
		snprintf(snapshot->guests[guest].guest->policy, sizeof(snapshot->guests[guest].guest->policy),
			 "adaptive");
		snapshot->guests[guest].sample->exhaustive = true;
		snapshot->guests[guest].regret = hn_regret_new(1, 2);
		assert_non_null(snapshot->guests[guest].regret);
		snapshot->guests[guest].regret->seconds[!at] = 1e6;
	}
	for (size_t node = 0; node < 2; node++)
		scene_free_mib(snapshot, node, free_mib);
	return snapshot;
}

/* Looks at one guest, and changes its place if it can. */
static void look(int guests, uint64_t free_mib, bool expected)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = crossed(guests, free_mib);
	HN_AUTO(hn_regret) struct hn_regret *regret = NULL;
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;
	HN_AUTO(hn_swap) struct hn_swap *swap = NULL;
	struct hn_looks looks;
	struct hn_error err;

	rounds = losses = 0;
	assert_int_equal(hn_decide(snapshot, 0, &hn_decide_defaults, &plan, &looks, &regret, &err), 0);
	assert_true((plan->partner[0] != '\0') == expected);
	assert_int_equal(hn_decide_swap_with(snapshot, 0, plan->partner, &hn_decide_defaults, &swap, &err),
			 0);
	assert_true((swap != NULL) == expected);
}

/* Four times the guests are gone through as often, whether a partner is found at once or none at all. */
static void a_look_for_a_partner_grows_with_the_guests_and_no_faster(void **state)
{
	for (int found = 0; found < 2; found++) {
		uint64_t free_mib = found ? 200 : 64 + 15; /* without 16 MiB to turn in, none will do */
		unsigned rounds_before, losses_before;

		look(100, free_mib, found);
		rounds_before = rounds;
		losses_before = losses;
		look(400, free_mib, found);
		assert_int_equal(rounds, rounds_before);
		assert_in_range(losses, 1, 5 * losses_before);
	}
}

/* The one that was found, and nobody else. */
static void the_partner_that_was_found_is_asked_again(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = crossed(8, 200);
	HN_AUTO(hn_swap) struct hn_swap *any = NULL, *last = NULL, *none = NULL;
	struct hn_error err;

	assert_int_equal(hn_decide_swap(snapshot, 0, &hn_decide_defaults, &any, &err), 0);
	assert_non_null(any);
	assert_int_equal(any->guests[1], 1); /* all alike: the first */
	assert_int_equal(hn_decide_swap_with(snapshot, 0, "g7", &hn_decide_defaults, &last, &err), 0);
	assert_non_null(last);
	assert_int_equal(last->guests[1], 7);
	assert_int_equal(hn_decide_swap_with(snapshot, 0, "g2", &hn_decide_defaults, &none, &err), 0);
	assert_null(none); /* it goes the same way */
	assert_int_equal(hn_decide_swap_with(snapshot, 0, "gone", &hn_decide_defaults, &none, &err), 0);
	assert_null(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_look_for_a_partner_grows_with_the_guests_and_no_faster),
		cmocka_unit_test(the_partner_that_was_found_is_asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
