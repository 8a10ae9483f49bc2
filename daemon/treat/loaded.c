/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Has the kernel loaded what it was given? See loaded.h. */
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "loaded.h"

int loaded_digest(const struct tms_timeline *t, uint8_t ret[static TMS_DIGEST_SIZE])
{
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned size;

        if (EVP_Digest(t->pulses, t->count * sizeof(*t->pulses), digest, &size, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        memcpy(ret, digest, TMS_DIGEST_SIZE);
        return 0;
}

int loaded_check(struct tms_device *d, const struct tms_timeline *t, uint32_t first_pulse, uint32_t first_train,
                 uint32_t gen, const uint8_t digest[static TMS_DIGEST_SIZE])
{
        struct tms_loaded loaded;
        int r;

        r = tms_device_loaded(d, &loaded);
        if (r < 0)
                return r;
        return loaded.timeline_gen == gen && loaded.count == t->count && loaded.pulse_size == sizeof(*t->pulses) &&
                                               loaded.waveform == t->waveform && loaded.first_pulse == first_pulse &&
                                               loaded.first_train == first_train &&
                                               memcmp(loaded.digest, digest, TMS_DIGEST_SIZE) == 0
                               ? 0
                               : -EBADMSG;
}
