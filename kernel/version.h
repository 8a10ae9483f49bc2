/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The version of everything here: module, daemon, library, tmsctl. The Makefile reads it from
 * the line below.
 */
#ifndef TMS_VERSION_H
#define TMS_VERSION_H

#define TMS_VERSION "0.1.0"

#endif
