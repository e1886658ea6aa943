/* Tries to take more than a cell's share: each goes on until something stops it, and says what. See attack.h. */
#include "attack.h"
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ENOUGH 100000
#define MIB (1024 * 1024)

static void probe_fork_bomb(char **argument) {
  static pid_t children[ENOUGH];
  int count = 0;
  (void)argument;
  while (count < ENOUGH && (children[count] = fork()) >= 0) {
    if (children[count] == 0)
      for (;;) pause();
    count++;
  }
  int error = errno;
  for (int i = 0; i < count; i++) kill(children[i], SIGKILL), waitpid(children[i], NULL, 0);
  errno = error;
  answer(count < ENOUGH ? -1 : 0);
}

static void *sit(void *nothing) {
  for (;;) pause();
  return nothing;
}

static void probe_thread_bomb(char **argument) {
  pthread_attr_t small;
  pthread_t thread;
  int error = 0;
  (void)argument;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 64 * 1024);
  for (int i = 0; i < ENOUGH && !error; i++) error = pthread_create(&thread, &small, sit, NULL);
  errno = error;
  answer(error ? -1 : 0);
}

static void probe_memory(char **argument) {
  (void)argument;
  for (;;) {
    char *more = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (more == MAP_FAILED) return answer(-1);
    memset(more, 1, MIB);
  }
}

/* Memory that belongs to no process: an in-memory file. */
static void probe_memory_file(char **argument) {
  static char data[MIB];
  int fd = memfd_create("attack", MFD_CLOEXEC);
  (void)argument;
  memset(data, 1, sizeof data);
  while (fd >= 0 && write(fd, data, sizeof data) > 0) continue;
  answer(-1);
}

static void probe_fill(char **argument) {
  static char data[MIB];
  char path[4096];
  snprintf(path, sizeof path, "%s/fill", argument[0]);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  memset(data, 1, sizeof data);
  while (fd >= 0 && write(fd, data, sizeof data) > 0) continue;
  int error = errno;
  unlink(path);
  errno = error;
  answer(-1);
}

static void probe_inodes(char **argument) {
  char path[4096];
  for (long i = 0;; i++) {
    snprintf(path, sizeof path, "%s/%ld", argument[0], i);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return answer(-1);
    close(fd);
  }
}

static void probe_descriptors(char **argument) {
  (void)argument;
  while (open("/dev/null", O_RDONLY) >= 0) continue;
  answer(-1);
}

static void probe_spin(char **argument) {
  int count = atoi(argument[0]);
  while (--count > 0 && fork() > 0) continue;
  for (volatile unsigned long turns = 0;; turns++) continue;
}

static void probe_flood(char **argument) {
  static char data[MIB];
  memset(data, 'x', sizeof data);
  for (long left = atol(argument[0]); left > 0; left--)
    if (write(1, data, sizeof data) != sizeof data) _exit(1);
  _exit(0);
}

static void probe_trickle(char **argument) {
  for (long left = atol(argument[0]); left > 0; left--)
    if (write(1, "x", 1) != 1) _exit(1);
  _exit(0);
}

static void probe_arguments(char **argument) {
  char *huge = malloc(4 * MIB), *argv[] = {"true", huge, NULL};
  (void)argument;
  if (!huge) return answer(-1);
  memset(huge, 'x', 4 * MIB - 1);
  huge[4 * MIB - 1] = 0;
  answer(execv("/bin/true", argv));
}

static void probe_lock_memory(char **argument) {
  void *region = mmap(NULL, 256L * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  (void)argument;
  answer(region == MAP_FAILED ? -1 : mlock(region, 256L * MIB));
}

static void probe_realtime(char **argument) {
  struct sched_param highest = {.sched_priority = 99};
  (void)argument;
  answer(sched_setscheduler(0, SCHED_FIFO, &highest));
}

const struct probe resource_probes[] = {
  {"fork-bomb", 0, probe_fork_bomb}, {"thread-bomb", 0, probe_thread_bomb}, {"memory", 0, probe_memory}, {"memory-file", 0, probe_memory_file}, {"fill", 1, probe_fill}, {"inodes", 1, probe_inodes},
  {"descriptors", 0, probe_descriptors}, {"spin", 1, probe_spin}, {"flood", 1, probe_flood}, {"trickle", 1, probe_trickle}, {"arguments", 0, probe_arguments}, {"lock-memory", 0, probe_lock_memory},
  {"realtime", 0, probe_realtime}, {NULL, 0, NULL},
};
