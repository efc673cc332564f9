/* IP addresses, host and port names. */
#include "test.h"
#include <sched.h>
#include <sys/mount.h>

static acl_ipaddr parsed(const char *text)
{
    acl_ipaddr address;
    OK(acl_dotted_to_ipaddr(text, 1, &address));
    return address;
}

static const char *dotted(acl_ipaddr address)
{
    static char text[64];
    size_t length;
    OK(acl_ipaddr_to_dotted(&address, text, sizeof text, &length));
    EQUAL(length, strlen(text));
    return text;
}

TEST(ipv4_is_a_number_in_host_order)
{
    int32_t values[4];
    acl_ipaddr address = parsed("192.132.95.84");
    EQUAL(address.kind, ACL_SOCKET_IPV4);
    EQUAL(address.ipv4, 3229900628u);
    OK(acl_ipaddr_to_dotted_values(&address, values));
    CHECK(values[0] == 192 && values[1] == 132 && values[2] == 95 && values[3] == 84);
    TEXT(dotted(address), "192.132.95.84");
}

TEST(berkeley_shorthand)
{
    TEXT(dotted(parsed("23.3")), "23.0.0.3");
    TEXT(dotted(parsed("128.1.3")), "128.1.0.3");
    TEXT(dotted(parsed("127.1")), "127.0.0.1");
}

TEST(ipv6_text)
{
    int32_t values[4];
    acl_ipaddr address = parsed("FE80:0:0:0:209:5bff:fe8e:61c1");
    EQUAL(address.kind, ACL_SOCKET_IPV6);
    TEXT(dotted(address), "fe80::209:5bff:fe8e:61c1");
    TEXT(dotted(parsed("::ffff:192.168.0.1")), "::ffff:192.168.0.1");
    TEXT(dotted(parsed("fe80::1%7")), "fe80::1%7");
    EQUAL(parsed("fe80::1%7").scope_id, 7);
    EQUAL(acl_ipaddr_to_dotted_values(&address, values), ACL_SOCKET_INVALID_ADDRESS);
}

TEST(scope_by_name)
{
    acl_ip_interface *interfaces;
    size_t count, i;
    char text[64];
    OK(acl_get_ip_interfaces(&interfaces, &count));
    CHECK(count > 0);
    for (i = 0; i < count; i++) {
        snprintf(text, sizeof text, "fe80::1%%%s", interfaces[i].name);
        EQUAL(parsed(text).scope_id, interfaces[i].id);
    }
    acl_free_buffer(interfaces);
    acl_free_buffer(NULL);
    EQUAL(acl_dotted_address_p("fe80::1%nosuchif"), 0);
}

TEST(invalid_text_and_errorp)
{
    static const char *const wrong[] = { "", "1", "1.2.3.4.5", "256.1.1.1", "1.2.3.256", "01.2.3.4", "1..2", " 1.2.3.4",
        "1.2.3.4 ", "0x7f.1", "vapor", ":::", "1::2::3", "12345::", "::1%", "1:2:3:4:5:6:7", "\xff\xfe" };
    acl_ipaddr address;
    size_t i;
    for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        EQUAL(acl_dotted_address_p(wrong[i]), 0);
        memset(&address, 1, sizeof address);
        CHECK(acl_dotted_to_ipaddr(wrong[i], 1, &address) != ACL_SOCKET_OK);
        EQUAL(address.kind, ACL_SOCKET_NO_ADDRESS);
    }
    EQUAL(acl_dotted_to_ipaddr("vapor", 1, &address), ACL_SOCKET_INVALID_ADDRESS);
    CHECK(strstr(acl_stream_error_action(), "vapor") != NULL);
    OK(acl_dotted_to_ipaddr("vapor", 0, &address));
    EQUAL(address.kind, ACL_SOCKET_NO_ADDRESS);
    EQUAL(acl_dotted_address_p(NULL), 0);
    EQUAL(acl_dotted_address_p("10.0.0.1"), 1);
}

TEST(predicates_and_equality)
{
    acl_ipaddr v4 = parsed("127.0.0.1"), mapped = parsed("::ffff:127.0.0.1"), none;
    acl_ipaddr here = parsed("fe80::1%1"), there = parsed("fe80::1%2");
    memset(&none, 0, sizeof none);
    CHECK(acl_ipaddrp(&v4) && acl_ipaddrp(&mapped) && !acl_ipaddrp(&none) && !acl_ipaddrp(NULL));
    CHECK(!acl_ipv6_address_p(&v4) && acl_ipv6_address_p(&mapped) && !acl_ipv6_address_p(NULL));
    CHECK(acl_ipaddr_equalp(&v4, &mapped, 0) && !acl_ipaddr_equalp(&v4, &here, 0));
    CHECK(acl_ipaddr_equalp(&here, &there, 0) && !acl_ipaddr_equalp(&here, &there, 1));
    CHECK(!acl_ipaddr_equalp(&none, &none, 0) && !acl_ipaddr_equalp(NULL, &v4, 0));
}

TEST(a_text_that_does_not_fit)
{
    char text[5] = "zzzz";
    size_t length = 0;
    acl_ipaddr address = parsed("10.20.30.40");
    EQUAL(acl_ipaddr_to_dotted(&address, text, sizeof text, &length), ACL_SOCKET_BUFFER_TOO_SMALL);
    TEXT(text, "10.2");
    EQUAL(length, 11);
    length = 0;
    OK(acl_ipaddr_to_dotted(&address, NULL, 0, &length));
    EQUAL(length, 11);
}

static uint32_t chance(uint32_t below)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % below;
}

/* Digits, dots and what may be taken for them. */
static void some_ipv4_text(char *text)
{
    static const char *const odd[] = { ".", "..", "0", "00", "08", "0x1", "-1", "+1", " ", "a", "1e1", "4294967296" };
    static const uint32_t limits[] = { 10, 256, 300, 65536, 70000, 16777216, 20000000, 4294967295u };
    int parts = 1 + (int)chance(5), i;
    *text = '\0';
    for (i = 0; i < parts; i++) {
        text += sprintf(text, "%s%u", i > 0 ? "." : "", chance(limits[chance(8)]));
        if (chance(12) == 0)
            text += sprintf(text, "%s", odd[chance(12)]);
    }
}

/* What this library takes, the C library takes for the same; what it refuses beyond that has one of the forms that
 * programs read differently. */
TEST(dotted_texts_are_those_of_the_c_library)
{
    int round, same = 0;
    for (round = 0; round < 300000; round++) {
        char text[200];
        struct in_addr theirs;
        acl_ipaddr ours;
        int taken;
        some_ipv4_text(text);
        OK(acl_dotted_to_ipaddr(text, 0, &ours));
        taken = ours.kind == ACL_SOCKET_IPV4;
        if (inet_aton(text, &theirs) == 0) {
            if (taken)
                fail(__FILE__, __LINE__, "\"%s\" is taken", text);
        } else if (taken) {
            if (ours.ipv4 != ntohl(theirs.s_addr))
                fail(__FILE__, __LINE__, "\"%s\" is %x", text, ours.ipv4);
            same++;
        } else {
            const char *at;
            int zero = 0, odd = strpbrk(text, "x ") != NULL || strchr(text, '.') == NULL;
            for (at = text; *at != '\0'; at++)
                zero |= *at == '0' && (at == text || at[-1] == '.') && at[1] >= '0' && at[1] <= '9';
            if (!zero && !odd)
                fail(__FILE__, __LINE__, "\"%s\" is refused", text);
        }
        if (inet_pton(AF_INET, text, &theirs) == 1)
            CHECK(taken && ours.ipv4 == ntohl(theirs.s_addr));
    }
    CHECK(same > 10000);
}

static void some_ipv6_text(char *text)
{
    static const char *const odd[] = { ":", "::", ":::", ".", "g", "1.2.3.4", "::1.2.3", "00000", "12345", " ", ":1.2.3.04" };
    int parts = (int)chance(10), i;
    *text = '\0';
    for (i = 0; i < parts; i++) {
        text += sprintf(text, chance(2) ? "%s%x" : "%s%X", i == 0 ? "" : chance(6) == 0 ? "::" : ":", chance(chance(2) ? 16 : 65536));
        if (chance(16) == 0)
            text += sprintf(text, "%s", odd[chance(11)]);
    }
    if (chance(6) == 0)
        sprintf(text, "%s%u.%u.%u.%u", chance(4) ? ":" : "::", chance(256), chance(300), chance(256), chance(256));
}

TEST(colon_hex_texts_are_those_of_the_c_library)
{
    int round, same = 0;
    for (round = 0; round < 300000; round++) {
        char text[200], back[64], again[INET6_ADDRSTRLEN];
        struct in6_addr theirs;
        acl_ipaddr ours;
        some_ipv6_text(text);
        if (strchr(text, ':') == NULL)
            continue;
        OK(acl_dotted_to_ipaddr(text, 0, &ours));
        if (inet_pton(AF_INET6, text, &theirs) != 1) {
            if (ours.kind != ACL_SOCKET_NO_ADDRESS)
                fail(__FILE__, __LINE__, "\"%s\" is taken", text);
            continue;
        }
        if (ours.kind != ACL_SOCKET_IPV6 || memcmp(ours.ipv6, &theirs, 16) != 0)
            fail(__FILE__, __LINE__, "\"%s\" is not what it is", text);
        /* What it is written as reads as the same address. */
        OK(acl_ipaddr_to_dotted(&ours, back, sizeof back, NULL));
        CHECK(inet_pton(AF_INET6, back, again) == 1 && memcmp(again, &theirs, 16) == 0);
        same++;
    }
    CHECK(same > 10000);
}

TEST(ports_without_a_services_file)
{
    int32_t port;
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0
        || mount("/dev/null", "/etc/services", "none", MS_BIND, NULL) != 0)
        exit(SKIPPED);
    OK(acl_lookup_port("https", "tcp", &port));
    EQUAL(port, 443);
    OK(acl_lookup_port("domain", "udp", &port));
    EQUAL(port, 53);
    EQUAL(acl_lookup_port("tftp", "tcp", &port), ACL_SOCKET_PORT_NOT_FOUND);
    EQUAL(acl_lookup_port("no-such-service", "udp", &port), ACL_SOCKET_PORT_NOT_FOUND);
}

TEST(names_of_hosts_and_ports)
{
    acl_ipaddr address, *all;
    size_t count;
    int32_t port;
    OK(acl_lookup_hostname("localhost", NULL, &address));
    EQUAL(address.ipv4, 0x7f000001);
    OK(acl_lookup_hostname("127.1", NULL, &address));
    EQUAL(address.ipv4, 0x7f000001);
    OK(acl_lookup_hostname_all("::1", NULL, &all, &count));
    EQUAL(count, 1);
    EQUAL(all[0].kind, ACL_SOCKET_IPV6);
    acl_free_buffer(all);
    EQUAL(acl_lookup_hostname("two words", NULL, &address), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_lookup_hostname("15190", NULL, &address), ACL_SOCKET_INVALID_ADDRESS);
    OK(acl_lookup_port("8080", "tcp", &port));
    EQUAL(port, 8080);
    EQUAL(acl_lookup_port("no-such-service", "udp", &port), ACL_SOCKET_PORT_NOT_FOUND);
    EQUAL(acl_lookup_port("80", "sctp", &port), ACL_SOCKET_INVALID_ARGUMENT);
}

TEST(the_name_of_an_address)
{
    char name[300];
    acl_ipaddr address = parsed("127.0.0.1");
    OK(acl_ipaddr_to_hostname(&address, NULL, name, sizeof name, NULL));
    CHECK(strlen(name) > 0);
    address.kind = 5;
    EQUAL(acl_ipaddr_to_hostname(&address, NULL, name, sizeof name, NULL), ACL_SOCKET_INVALID_ADDRESS);
}

MAIN(CASE(ipv4_is_a_number_in_host_order), CASE(berkeley_shorthand), CASE(ipv6_text), CASE(scope_by_name),
     CASE(invalid_text_and_errorp), CASE(predicates_and_equality), CASE(a_text_that_does_not_fit),
     CASE(dotted_texts_are_those_of_the_c_library), CASE(colon_hex_texts_are_those_of_the_c_library),
     CASE(ports_without_a_services_file), CASE(names_of_hosts_and_ports), CASE(the_name_of_an_address))
