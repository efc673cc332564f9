/* The loops of waiting, files, addresses and handles, once for the floor and the library. */
#ifndef CALLS_H
#define CALLS_H
#include "bench.h"
#include "raw.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* One socket of so many becomes ready, is waited for, and read. */
static void wait_for_one(struct run *run)
{
    size_t limit = descriptor_limit() - 64, wanted = run->piece;
    int count = (int)(wanted < limit ? wanted : limit), i;
    int *descriptors = malloc(sizeof *descriptors * (size_t)count);
    struct sockaddr_in *places = malloc(sizeof *places * (size_t)count);
    int sender = raw_datagrams(NULL);
    struct waiter waiter;
    uint64_t waits = 0;
    unsigned chosen = 0;
    MUST(run, descriptors != NULL && places != NULL && sender >= 0, "allocating");
    for (i = 0; i < count; i++) {
        int port;
        descriptors[i] = raw_datagrams(&port);
        MUST(run, descriptors[i] >= 0, "opening");
        places[i] = loopback(port);
    }
    MUST(run, open_waiter(&waiter, descriptors, count), "watching");
    while (keep_going(run, (double)waits))
        for (i = 0; i < 50; i++, waits++) {
            chosen = chosen * 1664525u + 1013904223u;
            struct sockaddr_in *to = &places[(chosen >> 8) % (unsigned)count];
            MUST(run, sendto(sender, "x", 1, 0, (struct sockaddr *)to, sizeof *to) == 1, "sending");
            MUST(run, wait_and_receive(&waiter), "waiting");
        }
    stop_clock(run, (double)waits);
    close_waiter(&waiter);
    close(sender);
    free(descriptors);
    free(places);
}

/* A file of so many bytes is sent whole, again and again. */
static void send_file_loop(struct run *run)
{
    struct stream stream;
    uint64_t files = 0, arrived;
    size_t made = 0;
    int file = memfd_create("text", MFD_CLOEXEC), i;
    MUST(run, file >= 0, "making a file");
    while (made < run->piece) {
        ssize_t written = write(file, text, run->piece - made < TEXT_LENGTH ? run->piece - made : TEXT_LENGTH);
        MUST(run, written > 0, "writing the file");
        made += (size_t)written;
    }
    MUST(run, open_connection(&stream, run->peer.port), "connecting");
    MUST(run, set_congestion(descriptor_of(&stream), settings.congestion), "setting the congestion control");
    while (keep_going(run, (double)files))
        for (i = 0; i < 4; i++, files++)
            MUST(run, send_whole_file(&stream, file, run->piece), "sending the file");
    MUST(run, end_output(&stream), "ending the output");
    MUST(run, read_all(&stream, &arrived, sizeof arrived), "reading the acknowledgement");
    stop_clock(run, (double)files);
    if (arrived != files * run->piece)
        fail(run, "sending", "not everything arrived as it was");
    close_stream(&stream);
}

enum { ADDRESSES = 256 };

/* Of all widths, in no order. */
static uint32_t addresses[ADDRESSES];

static void make_addresses(void)
{
    int i;
    for (i = 0; i < ADDRESSES; i++) {
        uint32_t bits = (uint32_t)i * 2654435761u;
        addresses[i] = bits >> (i % 3 * 8) | bits << 7;
    }
}

static void parse_addresses(struct run *run)
{
    char texts[ADDRESSES][16];
    uint64_t parsed = 0;
    int i;
    make_addresses();
    for (i = 0; i < ADDRESSES; i++) {
        uint32_t bits = addresses[i];
        snprintf(texts[i], sizeof texts[i], "%u.%u.%u.%u", bits >> 24, bits >> 16 & 255, bits >> 8 & 255, bits & 255);
    }
    while (keep_going(run, (double)parsed))
        for (i = 0; i < ADDRESSES; i++, parsed++) {
            uint32_t address = 0;
            MUST(run, parse_address(texts[i], &address) && address == addresses[i], "parsing");
        }
    stop_clock(run, (double)parsed);
}

static void format_addresses(struct run *run)
{
    uint64_t formatted = 0;
    int i;
    make_addresses();
    while (keep_going(run, (double)formatted))
        for (i = 0; i < ADDRESSES; i++, formatted++) {
            char room[64];
            MUST(run, format_address(addresses[i], room, sizeof room) && room[0] >= '0', "formatting");
        }
    stop_clock(run, (double)formatted);
}

/* Asks one handle of so many after the other whether it is open. */
static void check_handles(struct run *run)
{
    size_t limit = descriptor_limit() - 64;
    int count = (int)(run->piece < limit ? run->piece : limit), index = 0, i;
    struct handles handles;
    uint64_t checked = 0;
    MUST(run, open_handles(&handles, count), "opening");
    while (keep_going(run, (double)checked))
        for (i = 0; i < 1000; i++, checked++) {
            MUST(run, check_handle(&handles, index), "checking");
            if (++index == count)
                index = 0;
        }
    stop_clock(run, (double)checked);
    close_handles(&handles);
}

#endif
