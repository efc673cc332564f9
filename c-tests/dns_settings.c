/* What the DNS client is configured by: resolv.conf, the hosts file, modes and variables. */
#include "nameserver.h"
#include "timeouts.h"

#define ASK(name, response, ...) acl_dns_query(name, ARGS(acl_dns_query_args, __VA_ARGS__), response)
#define CONFIGURE(...) acl_configure_dns(ARGS(acl_configure_dns_args, __VA_ARGS__))

static char directory[30], resolv_conf[50], hosts[50];

static void files_begin(void)
{
    strcpy(directory, "/tmp/acl-test-XXXXXX");
    CHECK(mkdtemp(directory) != NULL);
    snprintf(resolv_conf, sizeof resolv_conf, "%s/resolv.conf", directory);
    snprintf(hosts, sizeof hosts, "%s/hosts", directory);
}

static void files_end(void)
{
    unlink(resolv_conf);
    unlink(hosts);
    EQUAL(rmdir(directory), 0);
}

/* Another file takes its place, as the tools of the system do it. */
static void now_says(const char *path, const char *format, ...)
{
    char text[500], other[60];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    write_file(directory, "other", text);
    snprintf(other, sizeof other, "%s/other", directory);
    EQUAL(rename(other, path), 0);
}

static void says_data(liar *it)
{
    uint8_t message[700];
    reply(it, it->udp, message, respond(it, message, 0, it->data));
}

static void no_such_name(liar *it)
{
    uint8_t message[700];
    reply(it, it->udp, message, respond(it, message, 3, NULL));
}

static void answers(const char *name, uint32_t should)
{
    acl_ipaddr address;
    OK(acl_lookup_hostname(name, NULL, &address));
    EQUAL(address.ipv4, should);
}

TEST(resolv_conf_is_read_and_read_again)
{
    liars one, two;
    acl_dns_nameserver *servers;
    char text[100];
    size_t count;
    files_begin();
    liar_starts(&one, says_data, "10.0.0.1");
    liar_starts(&two, says_data, "10.0.0.2");
    EQUAL(acl_get_dns_configured(), 0);
    now_says(resolv_conf, "nameserver %s\nsearch a.test b.test\noptions ndots:2 attempts:1\n", one.address);
    OK(CONFIGURE(.resolv_conf = resolv_conf, .hosts_file = "", .ndots = 1));
    OK(acl_set_dns_mode(ACL_SOCKET_ACLDNS));
    EQUAL(acl_get_dns_configured(), 0);
    /* By itself with the first query. */
    answers("host.test", 0x0a000001);
    EQUAL(acl_get_dns_configured(), 1);
    OK(acl_get_domain_search_list(text, sizeof text, NULL));
    TEXT(text, "a.test b.test");
    OK(acl_get_nameservers(&servers, &count));
    CHECK(count == 1 && servers[0].port == one.port && servers[0].ipaddr.ipv4 == 0x7f000001 && servers[0].sent == 1);
    acl_free_buffer(servers);
    now_says(resolv_conf, "nameserver %s\ndomain c.test\n", two.address);
    answers("host.test", 0x0a000002);
    OK(acl_get_dns_domain(text, sizeof text, NULL));
    TEXT(text, "c.test");
    OK(acl_get_domain_search_list(text, sizeof text, NULL));
    TEXT(text, "c.test");
    /* What is said by hand stays. */
    OK(acl_set_domain_search_list("hand.test"));
    OK(acl_set_dns_domain(""));
    /* While it is not there, or empty, what was known stays. */
    EQUAL(unlink(resolv_conf), 0);
    answers("host2.test", 0x0a000002);
    now_says(resolv_conf, "# nothing\n");
    answers("host3.test", 0x0a000002);
    now_says(resolv_conf, "nameserver %s\n", one.address);
    answers("host3.test", 0x0a000001);
    /* By hand it is left alone, until somebody asks for it again. */
    OK(CONFIGURE(.nameserver = two.address));
    now_says(resolv_conf, "nameserver %s \n", one.address);
    answers("host4.test", 0x0a000002);
    OK(acl_set_dns_configured(0));
    EQUAL(acl_get_dns_configured(), 0);
    answers("host4.test", 0x0a000001);
    EQUAL(acl_get_dns_configured(), 1);
    OK(acl_get_domain_search_list(text, sizeof text, NULL));
    TEXT(text, "hand.test");
    OK(acl_get_dns_domain(text, sizeof text, NULL));
    TEXT(text, "");
    now_says(resolv_conf, "nameserver %s\nsearch d.test\n", one.address);
    OK(CONFIGURE(.nameserver = two.address, .automatic = 1));
    OK(acl_get_domain_search_list(text, sizeof text, NULL));
    TEXT(text, "d.test");
    answers("host5.test", 0x0a000001);
    liar_ends(&one);
    liar_ends(&two);
    files_end();
}

TEST(without_a_name_server)
{
    acl_dns_response *response = (acl_dns_response *)1;
    acl_ipaddr address;
    files_begin();
    OK(CONFIGURE(.resolv_conf = resolv_conf, .hosts_file = ""));
    EQUAL(CONFIGURE(.automatic = 1), ACL_SOCKET_NO_NAMESERVER);
    CHECK(strstr(acl_stream_error_action(), resolv_conf) != NULL);
    EQUAL(acl_get_dns_configured(), 0);
    EQUAL(acl_set_dns_configured(1), ACL_SOCKET_NO_NAMESERVER);
    EQUAL(ASK("a.test", &response, 0), ACL_SOCKET_NO_NAMESERVER);
    CHECK(response == NULL);
    OK(acl_set_dns_mode(ACL_SOCKET_ACLDNS));
    EQUAL(acl_lookup_hostname("a.test", NULL, &address), ACL_SOCKET_NO_NAMESERVER);
    EQUAL(acl_get_dns_mode(), ACL_SOCKET_ACLDNS);
    /* What needs none is found all the same. */
    answers("localhost", 0x7f000001);
    /* With both modes it is the C library's from then on: a name that it refuses without asking. */
    OK(acl_set_dns_mode(ACL_SOCKET_ACLDNS | ACL_SOCKET_CLIB));
    CHECK(acl_lookup_hostname("a..b", NULL, &address) != ACL_SOCKET_OK);
    CHECK(acl_lookup_hostname("-.localhost.invalid-", ARGS(acl_lookup_hostname_args, .timeout = 5), &address) != ACL_SOCKET_OK);
    EQUAL(acl_get_dns_mode(), ACL_SOCKET_CLIB);
    answers("localhost", 0x7f000001);
    OK(CONFIGURE(.nameserver = "127.0.0.1#1"));
    EQUAL(acl_get_dns_mode(), ACL_SOCKET_ACLDNS | ACL_SOCKET_CLIB);
    files_end();
}

TEST(the_hosts_file)
{
    liars server;
    acl_ipaddr address, *all;
    size_t count;
    char name[100];
    files_begin();
    liar_starts(&server, no_such_name, NULL);
    ask_only(server.address);
    now_says(hosts, "10.1.1.1 One.test uno\n10.1.1.2 one.test\n::1 one.test six.test\n10.1.1.3 localhost\n");
    OK(CONFIGURE(.hosts_file = hosts));
    answers("ONE.TEST", 0x0a010101);
    answers("uno", 0x0a010101);
    answers("localhost", 0x0a010103);
    OK(acl_lookup_hostname_all("one.test.", ARGS(acl_lookup_hostname_args, .ipv6 = ACL_SOCKET_ON), &all, &count));
    CHECK(count == 3 && all[0].kind == ACL_SOCKET_IPV6 && all[2].ipv4 == 0x0a010102);
    acl_free_buffer(all);
    EQUAL(GET(server.it.asked), 0);
    /* Of the other family it says nothing. */
    EQUAL(acl_lookup_hostname("six.test", NULL, &address), ACL_SOCKET_HOST_NOT_FOUND);
    EQUAL(GET(server.it.asked), 1);
    OK(acl_dotted_to_ipaddr("10.1.1.1", 1, &address));
    OK(acl_ipaddr_to_hostname(&address, NULL, name, sizeof name, NULL));
    TEXT(name, "One.test");
    OK(acl_dotted_to_ipaddr("::ffff:10.1.1.2", 1, &address));
    OK(acl_ipaddr_to_hostname(&address, NULL, name, sizeof name, NULL));
    TEXT(name, "one.test");
    now_says(hosts, "10.1.1.9 one.test\n");
    answers("one.test", 0x0a010109);
    EQUAL(unlink(hosts), 0);
    EQUAL(acl_lookup_hostname("one.test", NULL, &address), ACL_SOCKET_HOST_NOT_FOUND);
    liar_ends(&server);
    files_end();
}

TEST(values_that_are_refused)
{
    acl_dns_response *response;
    acl_ipaddr none, local;
    char name[300];
    memset(&none, 0, sizeof none);
    OK(acl_dotted_to_ipaddr("127.0.0.1", 1, &local));
    OK(acl_configure_dns(NULL));
    EQUAL(CONFIGURE(.nameserver = "ns.example.test"), ACL_SOCKET_INVALID_ADDRESS);
    EQUAL(CONFIGURE(.nameserver = "127.0.0.1#0"), ACL_SOCKET_INVALID_ADDRESS);
    EQUAL(CONFIGURE(.nameserver = " , "), ACL_SOCKET_INVALID_ADDRESS);
    EQUAL(CONFIGURE(.nameserver_ipaddrs = &none, .nameserver_count = 1), ACL_SOCKET_INVALID_ADDRESS);
    EQUAL(CONFIGURE(.nameserver_count = 1), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(CONFIGURE(.nameserver = "127.0.0.1", .nameserver_ipaddrs = &local, .nameserver_count = 1), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(CONFIGURE(.search = "a..b"), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(CONFIGURE(.domain = "a b"), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(CONFIGURE(.automatic = 2), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(CONFIGURE(.rotate = 2), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(CONFIGURE(.repeat = -1), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(CONFIGURE(.ndots = -1), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(CONFIGURE(.timeout = NAN), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_set_dns_mode(0), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_set_dns_mode(4), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_get_dns_mode(), ACL_SOCKET_ACLDNS | ACL_SOCKET_CLIB);
    EQUAL(acl_get_dns_configured(), 0);
    OK(CONFIGURE(.nameserver_ipaddrs = &local, .nameserver_count = 1));
    EQUAL(acl_get_dns_configured(), 1);
    EQUAL(ASK("a.test", &response, .type = -1), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(ASK("a.test", &response, .type = 65536), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(ASK("a.test", &response, .repeat = -1), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(ASK("a.test", &response, .timeout = NAN), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(ASK("a.test", &response, .deadline = NAN), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(ASK("a.test", &response, .decode = 2), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(ASK("a.test", &response, .nameserver = "nobody"), ACL_SOCKET_INVALID_ADDRESS);
    EQUAL(ASK("a..test", &response, 0), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(ASK("", &response, 0), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(ASK("b\xc3\xbc" "cher.test", &response, 0), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(ASK(NULL, &response, 0), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_dns_query("a.test", NULL, NULL), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_dns_ipaddr_to_hostname(&none, NULL, &response), ACL_SOCKET_INVALID_ADDRESS);
    memset(name, 'x', sizeof name);
    name[64] = '\0';
    EQUAL(ASK(name, &response, 0), ACL_SOCKET_INVALID_ARGUMENT);
    CHECK(response == NULL);
    EQUAL(acl_free_dns_response(NULL), ACL_SOCKET_OK);
    EQUAL(acl_dns_response_id((acl_dns_response *)1, NULL), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_free_dns_response((acl_dns_response *)0x1234d), ACL_SOCKET_INVALID_HANDLE);
}

TEST(a_response_ends_with_its_handle)
{
    liars server;
    acl_dns_response *response;
    const acl_dns_rr *rr;
    acl_socket *datagram;
    size_t count;
    int32_t id;
    liar_starts(&server, says_data, "10.0.0.3");
    OK(ASK("a.test", &response, .nameserver = server.address));
    OK(acl_dns_response_id(response, &id));
    CHECK(id >= 0 && id <= 65535);
    EQUAL(acl_dns_response_answer(response, NULL, &count), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_dns_response_answer(response, &rr, NULL), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_dns_response_flags(response, NULL), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_dns_response_values(response, NULL, NULL, NULL, NULL));
    /* It is no socket, and a socket is no response. */
    EQUAL(acl_close((acl_socket *)response, 0), ACL_SOCKET_INVALID_HANDLE);
    OK(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM));
    EQUAL(acl_dns_response_id((acl_dns_response *)datagram, &id), ACL_SOCKET_INVALID_HANDLE);
    done(datagram);
    OK(acl_free_dns_response(response));
    EQUAL(acl_dns_response_answer(response, &rr, &count), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_free_dns_response(response), ACL_SOCKET_INVALID_HANDLE);
    liar_ends(&server);
}

MAIN(CASE(resolv_conf_is_read_and_read_again), CASE(without_a_name_server), CASE(the_hosts_file), CASE(values_that_are_refused),
     CASE(a_response_ends_with_its_handle))
