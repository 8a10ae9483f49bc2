// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why a call is refused: fills in struct tms_why, which is first in the argument of every call of
 * the controller. Each function returns the errno, so that a caller returns the result.
 *
 * Context: any, no lock: @why belongs to the caller.
 */
#include "call/call.h"

int tms_refuse(struct tms_why *why, int err, u32 reason, u64 detail)
{
	why->reason = reason;
	why->detail = detail;
	return err;
}

/* The argument asks for @feature (TMS_FEATURE_*), which this driver does not have. */
int tms_refuse_feature(struct tms_why *why, u64 feature)
{
	return tms_refuse(why, -EOPNOTSUPP, TMS_REASON_FEATURE, feature);
}

/*
 * The verifier has refused with @err. @rule is that of its verdict, which is TMS_RULE_NONE for a
 * value that means nothing, such as a waveform that there is not.
 */
int tms_refuse_verdict(struct tms_why *why, int err, u32 rule)
{
	return tms_refuse(why, err, rule ? TMS_REASON_VERDICT : TMS_REASON_VALUE, 0);
}

/* 0 if there is no unknown flag, and all reserved words are zero; else -EINVAL. */
int tms_refuse_words(struct tms_why *why, u32 unknown_flags, const void *reserved, size_t size)
{
	if (unknown_flags)
		return tms_refuse(why, -EINVAL, TMS_REASON_FLAG, unknown_flags);
	if (memchr_inv(reserved, 0, size))
		return tms_refuse(why, -EINVAL, TMS_REASON_RESERVED, 0);
	return 0;
}
