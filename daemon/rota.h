#pragma once
/*
 * rota - whose turn it is to be looked at: the service's cadence (daemon/cadence.h) under the loop's clock.
 */
#include "daemon/guest.h"

struct hn_rota;

int hn_rota_new(struct hn_service *service, struct hn_rota **ret, struct hn_error *err);
void hn_rota_free(struct hn_rota *rota); /* NULL is fine */

/* It is time for a look at the guest: it is started as soon as the budget has room for it. */
void hn_rota_join(struct hn_managed *managed);

/* The look that was begun has ended; cost_ns of CPU time, of us and the hands; 0: nobody knows. */
void hn_rota_done(struct hn_managed *managed, uint64_t cost_ns);

/* The hands were given up at what ("a look at it"), asked for at since_ns: the guest, and no other, is left
 * alone for a while. The end of a look is told besides. */
void hn_rota_hung(struct hn_managed *managed, const char *what, uint64_t since_ns);
/* It is being left alone. */
bool hn_rota_rests(const struct hn_managed *managed);

/* The guest goes. */
void hn_rota_leave(struct hn_managed *managed);
