/* The DNS client against a real name server. */
#include "nameserver.h"

static nameserver server;

#define ASK(name, response, ...) acl_dns_query(name, ARGS(acl_dns_query_args, __VA_ARGS__), response)

/* The answers to a query that has some. */
static size_t answers(const char *name, int32_t type, acl_dns_response **response, const acl_dns_rr **records)
{
    size_t count;
    int64_t seconds;
    int32_t flags;
    OK(ASK(name, response, .type = type));
    OK(acl_dns_response_values(*response, records, &count, &seconds, &flags));
    CHECK(count > 0 && seconds > 0 && seconds <= 300);
    CHECK((flags & ACL_SOCKET_DNS_IS_RESPONSE) && (flags & ACL_SOCKET_DNS_AUTHORITATIVE));
    EQUAL(flags & (ACL_SOCKET_DNS_ERROR | ACL_SOCKET_DNS_NO_SUCH_DOMAIN | ACL_SOCKET_DNS_TRUNCATED | ACL_SOCKET_DNS_STALE), 0);
    return count;
}

static const char *dotted(const acl_ipaddr *address)
{
    static char text[64];
    OK(acl_ipaddr_to_dotted(address, text, sizeof text, NULL));
    return text;
}

TEST(every_type_of_record)
{
    acl_dns_response *response;
    const acl_dns_rr *rr;
    server_starts(&server);
    ask_only(server.address);

    EQUAL(answers("HOST.example.TEST.", 0, &response, &rr), 2);
    CHECK(strncmp(dotted(&rr->address), "10.0.0.", 7) == 0 && rr[1].address.kind == ACL_SOCKET_IPV4);
    CHECK(strcasecmp(rr->name, "host.example.test") == 0);
    CHECK(rr->type == ACL_SOCKET_DNS_A && rr->rr_class == 1 && rr->time_to_live == 300 && rr->data_length == 4);
    CHECK(rr->host == NULL && rr->texts == NULL && rr->mailbox == NULL);
    OK(acl_free_dns_response(response));

    EQUAL(answers("six.example.test", ACL_SOCKET_DNS_AAAA, &response, &rr), 1);
    TEXT(dotted(&rr->address), "2001:db8::6");
    OK(acl_free_dns_response(response));

    EQUAL(answers("example.test", ACL_SOCKET_DNS_MX, &response, &rr), 2);
    EQUAL(rr[0].preference, 10);
    TEXT(rr[0].host, "mail.example.test");
    TEXT(dotted(&rr[0].address), "10.0.0.25");
    EQUAL(rr[1].preference, 20);
    TEXT(rr[1].host, "second.example.test");
    OK(acl_free_dns_response(response));

    EQUAL(answers("example.test", ACL_SOCKET_DNS_TXT, &response, &rr), 1);
    EQUAL(rr->text_count, 3);
    TEXT(rr->texts[0].text, "one string");
    TEXT(rr->texts[1].text, "and \"another\"");
    CHECK(rr->texts[1].length == 13 && rr->texts[2].length == 0 && rr->texts[2].text[0] == '\0');
    OK(acl_free_dns_response(response));

    EQUAL(answers("_ldap._tcp.example.test", ACL_SOCKET_DNS_SRV, &response, &rr), 3);
    CHECK(rr[0].preference == 1 && rr[0].port == 636 && rr[1].weight == 9 && rr[1].port == 390 && rr[2].weight == 1);
    TEXT(rr[0].host, "host.example.test");
    TEXT(dotted(&rr[1].address), "10.0.0.25");
    OK(acl_free_dns_response(response));

    EQUAL(answers("example.test", ACL_SOCKET_DNS_NS, &response, &rr), 1);
    TEXT(rr->host, "ns.example.test");
    OK(acl_free_dns_response(response));

    EQUAL(answers("example.test", ACL_SOCKET_DNS_SOA, &response, &rr), 1);
    TEXT(rr->host, "ns.example.test");
    TEXT(rr->mailbox, "admin.example.test");
    CHECK(rr->serial == 2026 && rr->refresh == 3600 && rr->retry == 60 && rr->expire == 7200 && rr->minimum == 2);
    OK(acl_free_dns_response(response));

    EQUAL(answers("alias2.example.test", ACL_SOCKET_DNS_CNAME, &response, &rr), 1);
    TEXT(rr->host, "host.example.test");
    OK(acl_free_dns_response(response));

    EQUAL(answers("example.test", ACL_SOCKET_DNS_CAA, &response, &rr), 1);
    CHECK(rr->preference == 0 && rr->text_count == 2);
    TEXT(rr->texts[0].text, "issue");
    TEXT(rr->texts[1].text, "ca.example.test");
    OK(acl_free_dns_response(response));

    /* A server tells of these what it likes. */
    CHECK(answers("example.test", ACL_SOCKET_DNS_ANY, &response, &rr) >= 1);
    OK(acl_free_dns_response(response));

    EQUAL(answers("tlsa.example.test", 65280, &response, &rr), 1);
    CHECK(rr->type == 65280 && rr->data_length == 3 && memcmp(rr->data, "abc", 3) == 0);
    OK(acl_free_dns_response(response));
    server_ends(&server);
}

TEST(names_of_addresses)
{
    acl_dns_response *response;
    const acl_dns_rr *rr;
    acl_ipaddr address;
    char name[300];
    server_starts(&server);
    ask_only(server.address);
    EQUAL(answers("10.0.0.1", ACL_SOCKET_DNS_PTR, &response, &rr), 2);
    CHECK(strstr(rr->host, ".example.test") != NULL);
    OK(acl_free_dns_response(response));
    EQUAL(answers("10.1", ACL_SOCKET_DNS_PTR, &response, &rr), 2);
    OK(acl_free_dns_response(response));
    EQUAL(answers("2001:db8::1", ACL_SOCKET_DNS_PTR, &response, &rr), 1);
    TEXT(rr->host, "six.example.test");
    OK(acl_free_dns_response(response));
    OK(acl_dotted_to_ipaddr("::ffff:10.0.0.1", 1, &address));
    OK(acl_dns_ipaddr_to_hostname(&address, NULL, &response));
    OK(acl_free_dns_response(response));
    OK(acl_ipaddr_to_hostname(&address, NULL, name, sizeof name, NULL));
    CHECK(strstr(name, ".example.test") != NULL);
    OK(acl_dotted_to_ipaddr("2001:db8::1", 1, &address));
    OK(acl_ipaddr_to_hostname(&address, NULL, name, sizeof name, NULL));
    TEXT(name, "six.example.test");
    /* No name recorded is an answer; so is a name that no host has. */
    OK(acl_dotted_to_ipaddr("10.0.0.77", 1, &address));
    OK(acl_ipaddr_to_hostname(&address, NULL, name, sizeof name, NULL));
    TEXT(name, "");
    EQUAL(acl_dns_ipaddr_to_hostname(&address, NULL, &response), ACL_SOCKET_HOST_NOT_FOUND);
    OK(acl_dotted_to_ipaddr("10.0.0.66", 1, &address));
    OK(acl_ipaddr_to_hostname(&address, NULL, name, sizeof name, NULL));
    TEXT(name, "");
    OK(acl_dns_ipaddr_to_hostname(&address, NULL, &response));
    OK(acl_free_dns_response(response));
    /* That the server does not answer is none. */
    OK(acl_dotted_to_ipaddr("192.0.2.1", 1, &address));
    EQUAL(acl_ipaddr_to_hostname(&address, NULL, name, sizeof name, NULL), ACL_SOCKET_NAMESERVER_REFUSED);
    server_ends(&server);
}

TEST(what_there_is_not_is_told_apart)
{
    acl_dns_response *response = (acl_dns_response *)1;
    const acl_dns_rr *rr;
    size_t count;
    int32_t flags, value;
    server_starts(&server);
    ask_only(server.address);
    EQUAL(ASK("nobody.example.test", &response, 0), ACL_SOCKET_HOST_NOT_FOUND);
    CHECK(response == NULL && strstr(acl_stream_error_action(), "nobody.example.test") != NULL);
    EQUAL(ASK("six.example.test", &response, 0), ACL_SOCKET_NO_DATA);
    EQUAL(ASK("dangling.example.test", &response, 0), ACL_SOCKET_HOST_NOT_FOUND);
    EQUAL(ASK("circle1.example.test", &response, 0), ACL_SOCKET_NO_DATA);
    EQUAL(ASK("broken.test", &response, 0), ACL_SOCKET_NAMESERVER_INTERNAL_ERROR);
    EQUAL(ASK("elsewhere.invalid", &response, 0), ACL_SOCKET_NAMESERVER_REFUSED);
    CHECK(response == NULL && strstr(acl_stream_error_report(), "127.0.0.1 port") != NULL);

    /* Not decoded each of them is a response. */
    OK(ASK("nobody.example.test", &response, .decode = ACL_SOCKET_OFF));
    OK(acl_dns_response_flags(response, &flags));
    CHECK((flags & ACL_SOCKET_DNS_NO_SUCH_DOMAIN) && !(flags & ACL_SOCKET_DNS_CACHED));
    OK(acl_dns_response_flags_value(response, &value));
    EQUAL(value & 15, 3);
    OK(acl_dns_response_answer(response, &rr, &count));
    CHECK(rr == NULL && count == 0);
    OK(acl_dns_response_authority(response, &rr, &count));
    EQUAL(count, 1);
    EQUAL(rr->type, ACL_SOCKET_DNS_SOA);
    OK(acl_free_dns_response(response));
    OK(ASK("broken.test", &response, .decode = ACL_SOCKET_OFF));
    OK(acl_dns_response_values(response, &rr, &count, NULL, &flags));
    CHECK(rr == NULL && count == 0 && (flags & ACL_SOCKET_DNS_NAMESERVER_INTERNAL_ERROR));
    OK(acl_free_dns_response(response));
    OK(ASK("elsewhere.invalid", &response, .decode = ACL_SOCKET_OFF));
    OK(acl_dns_response_flags(response, &flags));
    CHECK(flags & ACL_SOCKET_DNS_ERROR);
    OK(acl_free_dns_response(response));
    OK(ASK("alias.example.test", &response, .decode = ACL_SOCKET_OFF));
    OK(acl_dns_response_answer(response, &rr, &count));
    EQUAL(count, 4);
    EQUAL(rr->type, ACL_SOCKET_DNS_CNAME);
    OK(acl_dns_response_values(response, &rr, &count, NULL, NULL));
    EQUAL(count, 2);
    OK(acl_free_dns_response(response));
    OK(ASK("example.test", &response, .type = ACL_SOCKET_DNS_MX, .decode = ACL_SOCKET_OFF));
    OK(acl_dns_response_additional(response, &rr, &count));
    CHECK(count >= 2);
    OK(acl_free_dns_response(response));
    server_ends(&server);
}

TEST(what_is_cut_off_comes_by_tcp)
{
    acl_dns_response *response;
    const acl_dns_rr *rr;
    size_t i;
    uint64_t before;
    server_starts(&server);
    ask_only(server.address);
    before = queries_sent();
    EQUAL(answers("many.big.test", 0, &response, &rr), 100);
    EQUAL(queries_sent() - before, 2);
    for (i = 0; i < 100; i++)
        CHECK(rr[i].address.ipv4 >> 16 == 0x0a09);
    OK(acl_free_dns_response(response));
    EQUAL(answers("text.big.test", ACL_SOCKET_DNS_TXT, &response, &rr), 40);
    for (i = 0; i < 40; i++)
        EQUAL(rr[i].texts[0].length, 203);
    OK(acl_free_dns_response(response));
    /* It is too large for the cache. */
    before = queries_sent();
    EQUAL(answers("text.big.test", ACL_SOCKET_DNS_TXT, &response, &rr), 40);
    EQUAL(queries_sent() - before, 2);
    OK(acl_free_dns_response(response));
    server_ends(&server);
}

/* How many queries a look-up makes. */
static uint64_t queries(const char *name, acl_status should, int32_t ignore_cache)
{
    acl_dns_response *response;
    uint64_t before = queries_sent();
    EQUAL(ASK(name, &response, .ignore_cache = ignore_cache), should);
    OK(acl_free_dns_response(response));
    return queries_sent() - before;
}

TEST(the_cache_keeps_answers_for_their_time)
{
    acl_dns_response *response;
    int64_t seconds;
    int32_t flags;
    double from;
    server_starts(&server);
    ask_only(server.address);
    EQUAL(queries("host.example.test", ACL_SOCKET_OK, 0), 1);
    EQUAL(queries("Host.Example.TEST", ACL_SOCKET_OK, 0), 0);
    EQUAL(queries("host.example.test", ACL_SOCKET_OK, 1), 1);
    EQUAL(queries("zero.example.test", ACL_SOCKET_OK, 0), 1);
    EQUAL(queries("zero.example.test", ACL_SOCKET_OK, 0), 1);
    EQUAL(queries("broken.test", ACL_SOCKET_NAMESERVER_INTERNAL_ERROR, 0), 1);
    EQUAL(queries("broken.test", ACL_SOCKET_NAMESERVER_INTERNAL_ERROR, 0), 1);
    /* What there is not is kept for the time of the zone, two seconds. */
    from = clock_now();
    EQUAL(queries("nobody.example.test", ACL_SOCKET_HOST_NOT_FOUND, 0), 1);
    EQUAL(queries("six.example.test", ACL_SOCKET_NO_DATA, 0), 1);
    EQUAL(queries("short.example.test", ACL_SOCKET_OK, 0), 1);
    if (clock_now() - from < 1) {
        EQUAL(queries("nobody.example.test", ACL_SOCKET_HOST_NOT_FOUND, 0), 0);
        EQUAL(queries("six.example.test", ACL_SOCKET_NO_DATA, 0), 0);
        OK(ASK("short.example.test", &response, 0));
        OK(acl_dns_response_values(response, NULL, NULL, &seconds, &flags));
        CHECK(seconds <= 1 && (flags & ACL_SOCKET_DNS_CACHED));
        OK(acl_free_dns_response(response));
    }
    while (clock_now() - from < 2.1)
        nap(20000);
    EQUAL(queries("short.example.test", ACL_SOCKET_OK, 0), 1);
    EQUAL(queries("nobody.example.test", ACL_SOCKET_HOST_NOT_FOUND, 0), 1);
    EQUAL(queries("six.example.test", ACL_SOCKET_NO_DATA, 0), 1);
    /* Its own server, or no decoding: neither read from the cache nor put there. */
    EQUAL(queries("host.example.test", ACL_SOCKET_OK, 0), 0);
    OK(ASK("host.example.test", &response, .nameserver = server.address));
    OK(acl_dns_response_values(response, NULL, NULL, NULL, &flags));
    EQUAL(flags & ACL_SOCKET_DNS_CACHED, 0);
    OK(acl_free_dns_response(response));
    /* Another configuration knows nothing of it. */
    OK(acl_set_dns_domain("example.test"));
    EQUAL(queries("host.example.test", ACL_SOCKET_OK, 0), 1);
    server_ends(&server);
}

TEST(stale_answers_are_for_who_wants_them)
{
    acl_dns_response *response;
    const acl_dns_rr *rr;
    size_t count;
    int64_t seconds;
    int32_t flags;
    server_starts(&server);
    OK(acl_configure_dns(ARGS(acl_configure_dns_args, .nameserver = server.address, .repeat = 1, .timeout = 0.2)));
    EQUAL(acl_get_stale_entry_remove_time(), 0);
    EQUAL(acl_set_stale_entry_remove_time(-1), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_set_stale_entry_remove_time(3600));
    EQUAL(acl_get_stale_entry_remove_time(), 3600);
    OK(ASK("short.example.test", &response, .timeout = 5));
    OK(acl_free_dns_response(response));
    server_ends(&server);
    nap(1200000);
    OK(ASK("short.example.test", &response, 0));
    OK(acl_dns_response_values(response, &rr, &count, &seconds, &flags));
    CHECK(count == 1 && seconds < 0 && (flags & ACL_SOCKET_DNS_STALE));
    TEXT(dotted(&rr->address), "10.0.0.9");
    EQUAL(rr->time_to_live, 0);
    OK(acl_free_dns_response(response));
    OK(acl_set_stale_entry_remove_time(0));
    CHECK(ASK("short.example.test", &response, 0) != ACL_SOCKET_OK);
}

TEST(search_lists)
{
    acl_dns_response *response;
    acl_ipaddr address;
    char text[100];
    server_starts(&server);
    ask_only(server.address);
    OK(acl_set_domain_search_list(" sub.example.test\texample.test. "));
    OK(acl_get_domain_search_list(text, sizeof text, NULL));
    TEXT(text, "sub.example.test example.test");
    /* dns-query: not unless asked to. Only a name that is not there leads on. */
    EQUAL(ASK("in", &response, 0), ACL_SOCKET_NAMESERVER_REFUSED);
    OK(ASK("in", &response, .search = ACL_SOCKET_ON));
    OK(acl_free_dns_response(response));
    OK(ASK("four", &response, .search = ACL_SOCKET_ON));
    OK(acl_free_dns_response(response));
    EQUAL(ASK("shadow", &response, .search = ACL_SOCKET_ON), ACL_SOCKET_NO_DATA);
    EQUAL(ASK("in.", &response, .search = ACL_SOCKET_ON), ACL_SOCKET_NAMESERVER_REFUSED);
    EQUAL(ASK("four.x", &response, .search = ACL_SOCKET_ON), ACL_SOCKET_NAMESERVER_REFUSED);
    /* The domain comes before the list. */
    OK(acl_set_dns_domain("example.test"));
    OK(acl_get_dns_domain(text, sizeof text, NULL));
    TEXT(text, "example.test");
    OK(ASK("shadow", &response, .search = ACL_SOCKET_ON));
    OK(acl_free_dns_response(response));
    OK(acl_set_dns_domain(NULL));
    /* As the C library looks hosts up: what there is not leads on, too. */
    OK(acl_lookup_hostname("host", NULL, &address));
    TEXT(dotted(&address), "10.0.1.2");
    OK(acl_lookup_hostname("shadow", NULL, &address));
    TEXT(dotted(&address), "10.0.1.3");
    EQUAL(acl_lookup_hostname("shadow.sub", NULL, &address), ACL_SOCKET_NAMESERVER_REFUSED);
    OK(acl_configure_dns(ARGS(acl_configure_dns_args, .ndots = 2)));
    OK(acl_lookup_hostname("in.sub", NULL, &address));
    TEXT(dotted(&address), "10.0.1.1");
    EQUAL(acl_lookup_hostname("nobody.at.all.example.test", NULL, &address), ACL_SOCKET_HOST_NOT_FOUND);
    /* dns-lookup-hostname: the name itself first. */
    OK(acl_set_domain_search_list("sub.example.test"));
    EQUAL(acl_dns_lookup_hostname("in", NULL, &response), ACL_SOCKET_NAMESERVER_REFUSED);
    OK(acl_configure_dns(ARGS(acl_configure_dns_args, .ndots = 9)));
    OK(acl_dns_lookup_hostname("host.example.test", NULL, &response));
    OK(acl_free_dns_response(response));
    OK(acl_set_domain_search_list("test"));
    EQUAL(acl_dns_lookup_hostname("nobody.example.test", NULL, &response), ACL_SOCKET_NAMESERVER_REFUSED);
    OK(acl_set_domain_search_list("example.test"));
    EQUAL(acl_dns_lookup_hostname("nobody.example.test", NULL, &response), ACL_SOCKET_HOST_NOT_FOUND);
    EQUAL(acl_set_domain_search_list("a..b"), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_set_dns_domain("a b"), ACL_SOCKET_INVALID_ARGUMENT);
    server_ends(&server);
}

TEST(addresses_of_hosts)
{
    acl_ipaddr address, *all;
    size_t count;
    server_starts(&server);
    ask_only(server.address);
    OK(acl_lookup_hostname("alias.example.test", NULL, &address));
    EQUAL(address.kind, ACL_SOCKET_IPV4);
    OK(acl_lookup_hostname_all("host.example.test", ARGS(acl_lookup_hostname_args, .ipv6 = ACL_SOCKET_ON), &all, &count));
    EQUAL(count, 3);
    CHECK(all[0].kind == ACL_SOCKET_IPV6 && all[1].kind == ACL_SOCKET_IPV4);
    acl_free_buffer(all);
    OK(acl_lookup_hostname_all("host.example.test", ARGS(acl_lookup_hostname_args, .ipv6 = ACL_SOCKET_IPV6_ONLY), &all, &count));
    EQUAL(count, 1);
    acl_free_buffer(all);
    OK(acl_lookup_hostname("four.example.test", ARGS(acl_lookup_hostname_args, .ipv6 = ACL_SOCKET_ON), &address));
    EQUAL(address.kind, ACL_SOCKET_IPV4);
    EQUAL(acl_lookup_hostname("six.example.test", NULL, &address), ACL_SOCKET_NO_DATA);
    EQUAL(acl_lookup_hostname("nobody.example.test", NULL, &address), ACL_SOCKET_HOST_NOT_FOUND);
    EQUAL(acl_lookup_hostname_all("nobody.example.test", NULL, &all, &count), ACL_SOCKET_HOST_NOT_FOUND);
    CHECK(all == NULL);
    /* These are nobody's names to ask for. */
    EQUAL(acl_lookup_hostname("service.onion", NULL, &address), ACL_SOCKET_HOST_NOT_FOUND);
    OK(acl_lookup_hostname("here.localhost.", ARGS(acl_lookup_hostname_args, .ipv6 = ACL_SOCKET_IPV6_ONLY), &address));
    TEXT(dotted(&address), "::1");
    server_ends(&server);
}

MAIN(CASE(every_type_of_record), CASE(names_of_addresses), CASE(what_there_is_not_is_told_apart),
     CASE(what_is_cut_off_comes_by_tcp), CASE(the_cache_keeps_answers_for_their_time),
     CASE(stale_answers_are_for_who_wants_them), CASE(search_lists), CASE(addresses_of_hosts))
