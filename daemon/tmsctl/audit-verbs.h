/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the audit verbs share: verify, show, export. */
#ifndef TMSCTL_AUDIT_VERBS_H
#define TMSCTL_AUDIT_VERBS_H

#include "tmsctl.h"

#define AUDIT_DIR "/var/lib/tmsd/audit"
#define NONCE_TEXT 33

/*
 * Asks the daemon for a seal over a fresh random nonce. *ret_line is malloc'd.
 * This and audit_read_text() return 0, or print the failure and return minus an
 * exit status.
 */
int audit_fresh_seal(char ret_nonce[static NONCE_TEXT], char **ret_line);
/* Reads a whole file of at most max bytes as text. */
int audit_read_text(const char *path, size_t max, char **ret);
int audit_status(enum tms_audit_result result);
/* Prints the report, in JSON if asked; returns the exit status. */
int audit_print_report(const struct tms_audit_report *report);

/*
 * The verifier that an export has in it: the installed one, or that of TMS_VERIFIER. This and audit_bundle() return 0, or
 * print the failure and return minus an exit status.
 */
int audit_verifier_open(int *ret);
/* Adds the verifier and VERIFY.md to a copy of the log. sealed: seal.json is there too. */
int audit_bundle(const char *dir, int verifier, const struct tms_audit_report *report, bool sealed);

#endif
