/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a sentence goes on about a treatment that has ended before its last pulse: the only place for these words, for the
 * library and for the daemon. They have to be true whatever was given: begun anew, the whole protocol would count on top of that.
 */
#ifndef TMS_GO_ON_H
#define TMS_GO_ON_H

#define GO_ON "give what is left (tmsctl run --rest SESSION)"

#endif
