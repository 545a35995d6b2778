#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/mem.h"

enum {
    KEPT_BYTES = 800, /* of stderr, what fits into a sentence */
    PIPE_BYTES = 1 << 20,
};

struct ov_child {
    pid_t pid;
    int out;      /* read end of its stdout */
    int messages; /* memory file that is its stderr */
    char *name;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* In the new process: only calls that are safe after fork in a program with threads. Never returns.
 */
static OV_NORETURN void become(const char *const *argv, const char *dir, pid_t parent, int out,
                               int messages, int report)
{
    signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null = open("/dev/null", O_RDONLY);
    if (getppid() == parent && null >= 0 && dup2(null, 0) >= 0 && dup2(out, 1) >= 0 &&
        dup2(messages, 2) >= 0 && (!dir || chdir(dir) == 0))
        execvp(argv[0], (char *const *)(uintptr_t)argv);
    int reason = errno;
    ssize_t ignored = write(report, &reason, sizeof reason);
    (void)ignored;
    _exit(127);
}

static void destroy(ov_child *c)
{
    close_fd(&c->out);
    close_fd(&c->messages);
    ov_free(c->name);
    ov_free(c);
}

static int wait_for(pid_t pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

/* Forks; *report_fd gets the end of a pipe that closes when exec worked and tells errno when not.
 */
static ov_status launch(ov_child *c, const char *const *argv, const char *dir, ov_error *err)
{
    int out[2] = {-1, -1}, report[2] = {-1, -1};
    ov_status st = OV_OK;
    pid_t parent = getpid();
    c->messages = memfd_create("stderr", MFD_CLOEXEC);
    if (c->messages < 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(report, O_CLOEXEC) != 0 ||
        (c->pid = fork()) < 0) {
        st = ov_fail_errno(err, errno, "cannot start %s", c->name);
    } else if (c->pid == 0) {
        become(argv, dir, parent, out[1], c->messages, report[1]);
    }
    close_fd(&out[1]);
    close_fd(&report[1]);
    c->out = out[0];
    /* Room for a child that is ahead of its reader; a smaller pipe is only slower. */
    if (c->out >= 0)
        (void)!fcntl(c->out, F_SETPIPE_SZ, PIPE_BYTES);
    int reason = 0;
    if (st == OV_OK && read(report[0], &reason, sizeof reason) == (ssize_t)sizeof reason) {
        wait_for(c->pid);
        st = ov_fail_errno(err, reason, "cannot start %s%s%s", c->name, dir ? " in " : "",
                           dir ? dir : "");
        if (reason == ENOENT)
            st = err->code = OV_NOT_FOUND;
    }
    close_fd(&report[0]);
    return st;
}

ov_status ov_child_start(const char *const *argv, const char *dir, ov_child **out, ov_error *err)
{
    ov_child *c = ov_calloc(1, sizeof *c);
    if (!c)
        return ov_fail_nomem(err, sizeof *c);
    c->out = c->messages = -1;
    c->name = ov_strdup(argv[0]);
    ov_status st = c->name ? launch(c, argv, dir, err) : ov_fail_nomem(err, 1);
    if (st != OV_OK) {
        destroy(c);
        return st;
    }
    *out = c;
    return OV_OK;
}

bool ov_child_ready(ov_child *c, int64_t timeout_ms)
{
    struct pollfd p = {.fd = c->out, .events = POLLIN};
    return poll(&p, 1, timeout_ms > INT32_MAX ? INT32_MAX : (int)timeout_ms) != 0; /* an error shows in the read */
}

ov_status ov_child_read(ov_child *c, void *to, size_t cap, size_t *got, ov_error *err)
{
    ssize_t n;
    do
        n = read(c->out, to, cap);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return ov_fail_errno(err, errno, "cannot read from %s", c->name);
    *got = (size_t)n;
    return OV_OK;
}

/* The end of what it wrote to stderr, on one line. */
static void read_messages(const ov_child *c, char text[KEPT_BYTES + 1])
{
    off_t size = lseek(c->messages, 0, SEEK_END);
    off_t from = size > KEPT_BYTES ? size - KEPT_BYTES : 0;
    ssize_t n = pread(c->messages, text, KEPT_BYTES, from);
    n = n < 0 ? 0 : n;
    while (n > 0 && (unsigned char)text[n - 1] <= ' ')
        n--;
    text[n] = '\0';
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
}

ov_status ov_child_finish(ov_child *c, ov_error *err)
{
    close_fd(&c->out);
    int status = wait_for(c->pid);
    ov_status st = OV_OK;
    char text[KEPT_BYTES + 1];
    read_messages(c, text);
    if (WIFSIGNALED(status))
        st = ov_fail(err, OV_IO, "%s was ended by signal %d: %s", c->name, WTERMSIG(status), text);
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        st = ov_fail(err, OV_IO, "%s failed with exit code %d: %s", c->name,
                     WIFEXITED(status) ? WEXITSTATUS(status) : -1, text);
    destroy(c);
    return st;
}

void ov_child_kill(ov_child *c)
{
    if (!c)
        return;
    kill(c->pid, SIGKILL);
    wait_for(c->pid);
    destroy(c);
}
