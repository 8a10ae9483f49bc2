/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a daemon makes of a made log's records, for the log's checkpoints. */
#ifndef TMS_TESTS_MADE_STATE_H
#define TMS_TESTS_MADE_STATE_H

extern const struct made_watcher made_state;

#endif
