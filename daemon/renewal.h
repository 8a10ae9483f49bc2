/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wish that the daemon be started anew, which whoever has installed another version leaves as the file restart-wanted in
 * the daemon's runtime directory; see tmsd(8). The unit takes the file away before each start. On the loop; no locks.
 */
#ifndef TMSD_RENEWAL_H
#define TMSD_RENEWAL_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "util.h"

struct renewal;

/* Called once, from the loop, when the file appears. */
typedef void (*renewal_fn)(void *userdata);

/*
 * Begins to watch dir. A file that is there already asks for nothing: the unit takes it away before each start, and where that
 * has failed the daemon would start again and again. A directory that cannot be watched is no failure: the journal says so, and
 * the daemon starts anew by hand alone.
 */
int renewal_new(sd_event *event, const char *dir, renewal_fn wanted, void *userdata, struct renewal **ret);
struct renewal *renewal_free(struct renewal *w); /* returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct renewal *, renewal_free)
bool renewal_is_wanted(const struct renewal *w);

#endif
