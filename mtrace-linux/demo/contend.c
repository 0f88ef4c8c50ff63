/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A workload that makes a Linux kernel contend with itself: one process per
 * CPU opens and closes the same file, and pairs of processes pass bytes
 * through one pipe.  Recording is on for just that long.
 *
 *   contend [ROUNDS]
 *
 * Every process is pinned to its CPU and waits at a start line.  Emulated CPUs
 * that take turns would still do much work in a turn: a PAUSE after each round,
 * where the emulator moves on to the next CPU, makes them interleave.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "mtrace-magic.h"

#define SHARED_FILE "/tmp/shared"

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void pin(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0) {
        die("sched_setaffinity");
    }
}

/* Waits until all @n workers are here. */
static void start_line(int *here, int n)
{
    __atomic_add_fetch(here, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(here, __ATOMIC_SEQ_CST) < n) {
        sched_yield();
    }
}

static void open_and_close(int rounds)
{
    for (int i = 0; i < rounds; i++) {
        int fd = open(SHARED_FILE, O_RDONLY);

        if (fd < 0) {
            die(SHARED_FILE);
        }
        close(fd);
        __builtin_ia32_pause();
    }
}

/* Even CPUs write to the pipe, odd ones read from it. */
static void pass_bytes(const int pipe_fds[2], bool writer, int rounds)
{
    char byte = 'x';

    for (int i = 0; i < rounds; i++) {
        ssize_t n = writer ? write(pipe_fds[1], &byte, 1)
                           : read(pipe_fds[0], &byte, 1);

        if (n != 1) {
            die("pipe");
        }
        __builtin_ia32_pause();
    }
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 500;
    int cpus = sysconf(_SC_NPROCESSORS_ONLN);
    int workers = cpus & ~1; /* each writer has its reader */
    int *here = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int fd = open(SHARED_FILE, O_CREAT | O_WRONLY, 0644);
    int pipe_fds[2];
    int failures = 0;
    int status;

    if (rounds < 1 || workers < 2 || here == MAP_FAILED || fd < 0 ||
        pipe(pipe_fds) != 0) {
        fprintf(stderr, "contend: needs two CPUs, /tmp and ROUNDS from 1\n");
        return 1;
    }
    close(fd);
    mtrace_enable_set(mtrace_record_movement, "contend");
    for (int cpu = 0; cpu < workers; cpu++) {
        pid_t pid = fork();

        if (pid < 0) {
            die("fork");
        }
        if (pid == 0) {
            pin(cpu);
            start_line(here, workers);
            open_and_close(rounds);
            pass_bytes(pipe_fds, cpu % 2 == 0, rounds);
            _exit(0);
        }
    }
    while (wait(&status) > 0) {
        failures += status != 0;
    }
    mtrace_enable_set(mtrace_record_disable, "contend");
    printf("contend: %d workers, %d rounds, %d failed\n", workers, rounds,
           failures);
    return failures != 0;
}
