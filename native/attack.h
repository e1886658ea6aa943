/*
 * cellos-attack: tries, inside a cell, what a hostile workload would try, and says how each try was answered. Never a part of a cell in use:
 * `cellos doctor --attacks` and the tests show it to a cell read-only.
 *   K1  before anything is tried it makes sure that it is in a cell; anywhere else it says so and ends with 99;
 *   K2  a try runs in a process of its own, so that one that is killed, hangs or floods is an answer like any other;
 *   K3  an answer is one line: the name of an error, OK, `killed SIGNAL`, `timeout`, or a short text.
 */
#ifndef CELLOS_ATTACK_H
#define CELLOS_ATTACK_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

struct probe {
  const char *name;
  int arguments;
  void (*run)(char **argument);
};

extern const struct probe process_probes[], socket_probes[], resource_probes[];

/* `call NAME ARGUMENT…`: the arguments are numbers, `=text`, or `@` for a zeroed buffer. */
void probe_call(int argc, char **argv);

/* Prints the answer of a system call: OK, or the name of the error. */
void answer(long result);

/* What was open when this program started, before it opened anything: descriptors above 2, and those below that are no pipes. */
extern char inherited[256];
extern const char *host_mount_namespace;

#endif
