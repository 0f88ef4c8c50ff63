/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file descriptor that a log is written to (see log-output.h): short writes
 * and interruptions are continued, a descriptor in non-blocking mode is waited
 * for, and a piece that does not fit is cut off again.
 */
#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "log-output.h"

struct LogOutput {
    int fd;
    char *name;
    bool regular;
    off_t start;        /* of the log in a regular file */
    uint64_t bytes;     /* written as a whole */
};

LogOutput *log_output_new(int fd, const char *name)
{
    LogOutput *o = g_new0(LogOutput, 1);
    struct stat st;

    o->fd = fd;
    o->name = g_strdup(name);
    o->regular = !fstat(fd, &st) && S_ISREG(st.st_mode);
    if (o->regular) {
        o->start = MAX(lseek(fd, 0, SEEK_CUR), 0);
    }
    return o;
}

/* Called after a failed write; false when there is no point in another. */
static bool may_retry(LogOutput *o)
{
    struct pollfd p = { .fd = o->fd, .events = POLLOUT };

    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return poll(&p, 1, -1) >= 0 || errno == EINTR;
    }
    return errno == EINTR;
}

/* Cuts a partial piece off, and says what happened. */
static void report_failure(LogOutput *o, int err, GError **error)
{
    bool cut = !o->regular || !ftruncate(o->fd, o->start + o->bytes);

    g_set_error(error, MTRACE_LOG_ERROR, MTRACE_LOG_ERROR_IO,
                "cannot write %s: %s%s", o->name, g_strerror(err),
                cut ? "" : " (and the unfinished part cannot be cut off)");
}

static void advance(struct iovec *v, size_t len)
{
    size_t part = MIN(len, v->iov_len);

    if (part) {
        v->iov_base = (char *)v->iov_base + part;
        v->iov_len -= part;
    }
}

bool log_output_write(LogOutput *o, const void *head, size_t head_len,
                      const void *body, size_t body_len, GError **error)
{
    struct iovec v[2] = {
        { (void *)head, head_len }, { (void *)body, body_len },
    };

    while (v[0].iov_len + v[1].iov_len) {
        ssize_t got = writev(o->fd, v, 2);

        if (got < 0 && !may_retry(o)) {
            report_failure(o, errno, error);
            return false;
        }
        if (got > 0) {
            size_t first = MIN((size_t)got, v[0].iov_len);

            advance(&v[0], first);
            advance(&v[1], got - first);
        }
    }
    o->bytes += head_len + body_len;
    return true;
}

uint64_t log_output_free(LogOutput *o, GError **error)
{
    uint64_t bytes = o->bytes;

    /* Linux closes the descriptor even when interrupted. */
    if (close(o->fd) && errno != EINTR) {
        g_set_error(error, MTRACE_LOG_ERROR, MTRACE_LOG_ERROR_IO,
                    "cannot close %s: %s", o->name, g_strerror(errno));
    }
    g_free(o->name);
    g_free(o);
    return bytes;
}
