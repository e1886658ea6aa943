/*
 * cellos-cell: the small static program around and inside a cell. One binary, four personalities, chosen by argv:
 *   launch  outside: cgroups, mounts, identity, descriptors, then exec of bubblewrap          launch.c
 *   init    inside, PID 1: starts, feeds, reaps and reports commands over one socket         init.c
 *   secret  inside: the client of the runtime secret socket                                  secret.c
 *   changes outside: lists what the cell wrote into its workspace overlay                     changes.c
 * It never allocates on behalf of a guest without a bound, and never continues after a step that failed.
 */
#ifndef CELLOS_CELL_H
#define CELLOS_CELL_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define CELL_PROTOCOL_VERSION 1

int launch_main(int plan_fd, pid_t supervisor);
int init_main(int control_fd, int mask);
int secret_main(int argc, char **argv);
int changes_main(char *root);

static inline uint32_t get_u32(const uint8_t *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void put_u32(uint8_t *p, uint32_t v) {
  p[0] = (uint8_t)v;
  p[1] = (uint8_t)(v >> 8);
  p[2] = (uint8_t)(v >> 16);
  p[3] = (uint8_t)(v >> 24);
}

static inline void put_u64(uint8_t *p, uint64_t v) {
  put_u32(p, (uint32_t)v);
  put_u32(p + 4, (uint32_t)(v >> 32));
}

#endif
