/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The error domain of the log library.
 */
#include "mtrace/log.h"

G_DEFINE_QUARK(mtrace-log-error-quark, mtrace_log_error)
