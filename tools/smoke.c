/* check-install compiles this as C and as C++, and with -DBY_DLOPEN without linking the library: it
 * opens a passive socket and prints the port that the system chose. */
#include <acl_socket.h>
#include <stdio.h>
#include <string.h>

#ifdef BY_DLOPEN
#include <dlfcn.h>
#define CALL(name) ((__typeof__(&name))dlsym(library, #name))
#else
#define CALL(name) name
#endif

int main(int argc, char **argv)
{
    acl_socket *passive = NULL;
    acl_make_socket_args args;
    int32_t port = 0;
#ifdef BY_DLOPEN
    void *library = dlopen(argc > 1 ? argv[1] : "libacl_socket.so", RTLD_NOW);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
#else
    (void)argc;
    (void)argv;
#endif
    memset(&args, 0, sizeof args);
    args.struct_size = sizeof args;
    args.connect = ACL_SOCKET_PASSIVE;
    if (CALL(acl_make_socket)(&args, &passive) != ACL_SOCKET_OK || CALL(acl_local_port)(passive, &port) != ACL_SOCKET_OK)
        return 1;
    printf("port %d\n", (int)port);
    CALL(acl_close)(passive, 0);
    CALL(acl_free_socket)(passive);
    return port <= 0 || port > 65535;
}
