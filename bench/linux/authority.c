/*
 * Authority: passed to another process (a file descriptor over a Unix socket), found by name
 * (open), checked (seccomp), refused.
 */
#include "linux_bench.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 400u
#define NOBODY 65534

/* One byte, with a descriptor or without (-1). */
static void send_fd(int socket, int fd)
{
    char byte = 1;
    struct iovec part = {&byte, 1};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {.space = {0}};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (fd >= 0) {
        message.msg_control = control.space;
        message.msg_controllen = sizeof(control.space);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
    }
    MUST(call3(SYS_sendmsg, socket, (long)&message, 0) == 1);
}

static int receive_fd(int socket)
{
    char byte;
    struct iovec part = {&byte, 1};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {.space = {0}};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.space,
                             .msg_controllen = sizeof(control.space)};
    int fd = -1;

    MUST(call3(SYS_recvmsg, socket, (long)&message, 0) == 1);
    if (message.msg_controllen >= CMSG_LEN(sizeof(int)))
        memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
    return fd;
}

static void close_what_comes(void *argument)
{
    int socket = *(int *)argument;
    char byte = 1;

    for (;;) {
        int fd = receive_fd(socket);

        MUST(fd >= 0 && call3(SYS_close, fd, 0, 0) == 0);
        MUST(call3(SYS_write, socket, (long)&byte, 1) == 1);
    }
}

static void measure_passing(void)
{
    int ends[2];
    char byte;
    pid_t side;

    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    side = start_side(close_what_comes, &ends[1], 0);
    MEASURE("pass_scm_rights", ROUNDS, 1, {
        send_fd(ends[0], ends[0]);
        MUST(call3(SYS_read, ends[0], (long)&byte, 1) == 1);
    });
    stop_side(side);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* One instruction of the filter decides; getppid is let through, getpgrp refused. */
static void under_seccomp(void *argument)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgrp, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

    (void)argument;
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
    MUST(call3(SYS_getpgrp, 0, 0, 0) == -1);
    MEASURE("null_seccomp_allowed", ROUNDS, 1, (void)call3(SYS_getppid, 0, 0, 0));
    MEASURE("refused_seccomp", ROUNDS, 1, (void)call3(SYS_getpgrp, 0, 0, 0));
}

static void without_rights(void *argument)
{
    (void)argument;
    MUST(setuid(NOBODY) == 0);
    MUST(call3(SYS_open, (long)"/tmp/secret", O_RDONLY, 0) < 0);
    MEASURE("refused_open", ROUNDS, 1, (void)call3(SYS_open, (long)"/tmp/secret", O_RDONLY, 0));
}

static void in_child(void (*body)(void *))
{
    pid_t child = start_side(body, NULL, 0);
    int status;

    MUST(waitpid(child, &status, 0) == child && WIFEXITED(status));
}

void bench_authority(void)
{
    int fd = open("/tmp/secret", O_CREAT | O_WRONLY, 0600);

    MUST(fd >= 0 && close(fd) == 0);
    measure_passing();
    MEASURE("open_close", ROUNDS, 1, {
        long opened = call3(SYS_open, (long)"/tmp/secret", O_RDONLY, 0);

        MUST(opened >= 0 && call3(SYS_close, opened, 0, 0) == 0);
    });
    in_child(under_seccomp);
    in_child(without_rights);
}
