/* A test program: TEST functions listed by MAIN. Each runs in a process of its own with a time
 * limit and SIGPIPE at its default; its teardown finds leaked descriptors. Prints TAP. */
#ifndef TEST_H
#define TEST_H
#include <acl_socket.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED 77
typedef struct { const char *name; void (*run)(void); } test_case;

#define TEST(name) static void name(void)
#define CASE(name) { #name, name }

static void fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    printf("# %s:%d: ", file, line);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
    _exit(1);
}

#define CHECK(condition) \
    do { if (!(condition)) fail(__FILE__, __LINE__, "%s; last: %s", #condition, acl_stream_error_report()); } while (0)
#define EQUAL(is, should) \
    do { long long is_ = (long long)(is), should_ = (long long)(should); \
        if (is_ != should_) fail(__FILE__, __LINE__, "%s is %lld, not %lld; last: %s", #is, is_, should_, acl_stream_error_report()); } while (0)
#define TEXT(is, should) \
    do { const char *is_ = (is), *should_ = (should); \
        if (strcmp(is_, should_) != 0) fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #is, is_, should_); } while (0)
#define OK(call) EQUAL(call, ACL_SOCKET_OK)

#define ARGS(type, ...) (&(type){ ACL_SOCKET_ARGS(type), __VA_ARGS__ })
#define MAKE(socket, ...) acl_make_socket(ARGS(acl_make_socket_args, __VA_ARGS__), (socket))

/* Variables that threads share. */
#define GET(variable) __atomic_load_n(&(variable), __ATOMIC_SEQ_CST)
#define SET(variable, value) __atomic_store_n(&(variable), value, __ATOMIC_SEQ_CST)
#define ADD(variable, value) __atomic_fetch_add(&(variable), value, __ATOMIC_SEQ_CST)

static int open_descriptors(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL)
        return -1;
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static int run_all(const test_case *cases, int count)
{
    int failed = 0, i;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (i = 0; i < count; i++) {
        int status;
        pid_t child;
        fflush(stdout);
        child = fork();
        if (child == 0) {
            int before = open_descriptors();
            signal(SIGPIPE, SIG_DFL);
            alarm(30);
            cases[i].run();
            if (open_descriptors() != before)
                fail(__FILE__, __LINE__, "%d descriptors before, %d after", before, open_descriptors());
            fflush(stdout);
            exit(0);
        }
        if (child < 0 || waitpid(child, &status, 0) != child)
            return 1;
        if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
            printf("ok %d - %s # SKIP not on this machine\n", i + 1, cases[i].name);
            continue;
        }
        if (WIFSIGNALED(status))
            printf("# killed by signal %d\n", WTERMSIG(status));
        if (status != 0)
            failed++;
        printf("%sok %d - %s\n", status == 0 ? "" : "not ", i + 1, cases[i].name);
    }
    printf("1..%d\n", count);
    return failed != 0;
}

#define MAIN(...) \
    int main(void) \
    { \
        static const test_case cases[] = { __VA_ARGS__ }; \
        return run_all(cases, (int)(sizeof cases / sizeof *cases)); \
    }

/* A passive socket on loopback and its port. */
static inline acl_socket *listener(int32_t *port)
{
    acl_socket *passive;
    OK(MAKE(&passive, .connect = ACL_SOCKET_PASSIVE, .local_host = "127.0.0.1"));
    OK(acl_local_port(passive, port));
    return passive;
}

/* Both ends of a connection. */
static inline void connection(acl_socket **client, acl_socket **server)
{
    int32_t port;
    acl_socket *passive = listener(&port);
    OK(MAKE(client, .remote_host = "127.0.0.1", .remote_port = port));
    OK(acl_accept_connection(passive, ACL_SOCKET_WAIT, server));
    OK(acl_close(passive, 0));
    OK(acl_free_socket(passive));
}

static inline void done(acl_socket *socket)
{
    OK(acl_close(socket, ACL_SOCKET_ABORT));
    OK(acl_free_socket(socket));
}
#endif
