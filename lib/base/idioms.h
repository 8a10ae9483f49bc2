/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The idioms of all user space here, library, daemon and tmsctl: scope cleanup,
 * moving ownership out of a scope, invariants, hexadecimal digits.
 */
#ifndef TMS_LIB_IDIOMS_H
#define TMS_LIB_IDIOMS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/* Assertions are compiled into every build. They are for invariants; a caller's mistake gets -EINVAL instead. */
#undef NDEBUG
#include <assert.h>

#define NS_PER_S 1000000000ULL
#define NS_PER_MS 1000000ULL
#define USEC_PER_MS 1000ULL
#define USEC_PER_S 1000000ULL

#define ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

#define _cleanup_(f) __attribute__((__cleanup__(f)))
#define _printf_(a, b) __attribute__((__format__(__printf__, a, b)))

#define TAKE_PTR(p)                         \
        ({                                  \
                __typeof__(p) _taken = (p); \
                (p) = NULL;                 \
                _taken;                     \
        })

#define TAKE_FD(fd)                \
        ({                         \
                int _taken = (fd); \
                (fd) = -1;         \
                _taken;            \
        })

/* Defines func##p() for _cleanup_(): calls func(*p) unless *p is NULL. */
#define DEFINE_TRIVIAL_CLEANUP_FUNC(type, func) \
        static inline void func##p(type *p)     \
        {                                       \
                if (*p)                         \
                        func(*p);               \
        }

static inline void freep(void *p)
{
        free(*(void **)p);
}

static inline int safe_close(int fd)
{
        if (fd >= 0)
                (void)close(fd);
        return -1;
}

static inline void closep(int *fd)
{
        *fd = safe_close(*fd);
}

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)

/* out has room for 2 * size + 1 bytes. */
static inline void hex_encode(const void *data, size_t size, char *out)
{
        static const char digits[] = "0123456789abcdef";
        const unsigned char *p = data;
        size_t i;

        for (i = 0; i < size; i++) {
                out[2 * i] = digits[p[i] >> 4];
                out[2 * i + 1] = digits[p[i] & 15];
        }
        out[2 * size] = '\0';
}

#endif
