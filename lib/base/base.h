/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every file of the library uses: the idioms, filling a tms_error, and what is text. Nothing here is exported.
 *
 * base/: text, characters, errors, names of the driver's codes. These rooms know no other of the library.
 * They run in whichever thread calls; nothing is kept between two calls.
 * They take no lock, here as in all of the library but audit/, where a call has two threads.
 */
#ifndef TMS_LIB_BASE_H
#define TMS_LIB_BASE_H

#include "idioms.h"
#include "tms.h"

#include <stdarg.h>

/*
 * Fills e and returns -err, so that whoever finds a failure reports it in one
 * statement. e, file and key may be NULL; line 0: there is no place.
 */
int tms_error_set(struct tms_error *e, int err, const char *file, unsigned line, unsigned column, const char *key,
                  const char *format, ...) _printf_(7, 8);
int tms_error_setv(struct tms_error *e, int err, const char *file, unsigned line, unsigned column, const char *key,
                   const char *format, va_list ap) _printf_(7, 0);

/* Fills e with the sentence for a lack of memory, which has no place in the file; returns -ENOMEM. */
int error_memory(struct tms_error *e, const char *file);

/*
 * The length in bytes of the first character of text. text has size bytes, at
 * least one. 0: text does not begin with a character; negative: text ends
 * within its first character. Surrogates do not count as characters, nor do
 * the codes that Unicode never assigns (U+FDD0, U+FFFE...), because D-Bus
 * refuses a message that contains one.
 */
int text_character(const char *text, size_t size);

/* The SHA-256 of data as 64 hex digits and a NUL. -ENOMEM when libcrypto fails. */
int tms_sha256_hex(const void *data, size_t size, char ret[65]);

#endif
