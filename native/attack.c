/* Makes sure it is in a cell, then runs one try (`solo`) or a list of them (`batch`). See attack.h. */
#include "attack.h"
#include <dirent.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define NOT_IN_A_CELL 99
#define OUTPUT_MAX 4096
#define ARGUMENTS_MAX 16

char inherited[256];
const char *host_mount_namespace;

void answer(long result) {
  if (result >= 0) printf("OK\n");
  else printf("%s\n", strerrorname_np(errno) ? strerrorname_np(errno) : "unknown error");
}

static void refuse(const char *why) {
  fprintf(stderr, "cellos-attack: not in a cell (%s): nothing was tried\n", why);
  exit(NOT_IN_A_CELL);
}

/* K1: every sign of a cell has to be there. `host_mnt` is the inode of the host's mount namespace, as the supervisor sees it. */
static void require_cell(const char *host_mnt) {
  char text[8192], *end;
  struct stat st;
  unsigned long long host = strtoull(host_mnt, &end, 10);
  if (host == 0 || *end) refuse("the inode of the host's mount namespace is not given");
  if (stat("/proc/self/ns/mnt", &st) || (unsigned long long)st.st_ino == host) refuse("the mount namespace is the host's");
  if (stat("/run/cellos/bin/init", &st)) refuse("there is no cell helper");
  int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  close(fd);
  if (got <= 0) refuse("/proc/self/status cannot be read");
  text[got] = 0;
  if (!strstr(text, "\nNoNewPrivs:\t1\n")) refuse("no_new_privs is off");
  if (!strstr(text, "\nSeccomp:\t2\n")) refuse("there is no filter");
  if (!strstr(text, "\nCapEff:\t0000000000000000\n") || !strstr(text, "\nCapBnd:\t0000000000000000\n")) refuse("there are capabilities");
  if (geteuid() == 0) refuse("the user is root");
  FILE *map = fopen("/proc/self/uid_map", "re");
  unsigned long inside, outside, count;
  if (!map || fscanf(map, "%lu %lu %lu", &inside, &outside, &count) != 3 || count != 1) refuse("the user namespace is the host's");
  fclose(map);
}

static void note_inherited(void) {
  DIR *dir = opendir("/proc/self/fd");
  size_t used = 0;
  if (!dir) refuse("/proc/self/fd cannot be read");
  struct stat st;
  for (int fd = 0; fd <= 2; fd++)
    if (fstat(fd, &st) || !S_ISFIFO(st.st_mode)) used += (size_t)snprintf(inherited + used, sizeof inherited - used, " %d is no pipe", fd);
  for (struct dirent *entry; (entry = readdir(dir));) {
    int fd = atoi(entry->d_name);
    if (entry->d_name[0] == '.' || fd == dirfd(dir) || fd <= 2) continue;
    if (used < sizeof inherited - 16) used += (size_t)snprintf(inherited + used, sizeof inherited - used, " %d", fd);
  }
  closedir(dir);
}

static int try_from(const struct probe *table, int argc, char **argv) {
  for (; table->name; table++) {
    if (strcmp(table->name, argv[0]) != 0) continue;
    if (argc - 1 != table->arguments) printf("needs %d arguments\n", table->arguments);
    else table->run(argv + 1);
    return 1;
  }
  return 0;
}

static void try_one(int argc, char **argv) {
  if (strcmp(argv[0], "sh") == 0) {
    execl("/bin/sh", "sh", "-c", argc > 1 ? argv[1] : "", NULL);
    answer(-1);
  } else if (strcmp(argv[0], "call") == 0) probe_call(argc - 1, argv + 1);
  else if (!try_from(process_probes, argc, argv) && !try_from(socket_probes, argc, argv) && !try_from(resource_probes, argc, argv)) printf("unknown probe\n");
  fflush(stdout);
}

static void print_answer(const char *id, const char *output, size_t size, int status, int late) {
  printf("%s\t", id);
  if (late) printf("timeout");
  else if (WIFSIGNALED(status)) printf("killed SIG%s", sigabbrev_np(WTERMSIG(status)));
  else if (size == 0 || output[0] == '\n') printf("exit %d", WEXITSTATUS(status));
  else
    for (size_t i = 0; i < size && i < 240 && output[i] != '\n'; i++) putchar(output[i] < ' ' || output[i] > '~' ? '?' : output[i]);
  putchar('\n');
  fflush(stdout);
}

/* K2 */
static void run_apart(const char *id, int timeout_ms, int argc, char **argv) {
  int channel[2];
  char output[OUTPUT_MAX];
  size_t size = 0;
  if (pipe2(channel, O_CLOEXEC)) refuse("no pipe");
  pid_t pid;
  for (int tries = 0; (pid = fork()) < 0 && errno == EAGAIN && tries < 5000; tries++) usleep(1000); /* what a bomb left is still being reaped */
  if (pid < 0) {
    printf("%s\tno process\n", id);
    return;
  }
  if (pid == 0) {
    setpgid(0, 0);
    int null = open("/dev/null", O_RDONLY);
    if (dup2(null, 0) < 0 || dup2(channel[1], 1) < 0 || dup2(channel[1], 2) < 0 || syscall(SYS_close_range, 3u, ~0u, 0)) _exit(98);
    try_one(argc, argv);
    _exit(0);
  }
  close(channel[1]);
  fcntl(channel[0], F_SETFL, O_NONBLOCK);
  int watch = (int)syscall(SYS_pidfd_open, pid, 0), status = 0, late = 0, open_output = 1;
  for (int over = 0; !over;) {
    struct pollfd fds[2] = {{.fd = watch, .events = POLLIN}, {.fd = open_output ? channel[0] : -1, .events = POLLIN}};
    if (poll(fds, 2, timeout_ms) == 0) late = 1;
    over = late || fds[0].revents;
    for (ssize_t got; open_output && size < sizeof output;) {
      got = read(channel[0], output + size, sizeof output - size);
      if (got == 0) open_output = 0;
      if (got <= 0) break;
      size += (size_t)got;
    }
    if (size == sizeof output) open_output = 0;
  }
  kill(-pid, SIGKILL);
  waitpid(pid, &status, 0);
  close(watch), close(channel[0]);
  print_answer(id, output, size, status, late);
}

/* A line of the list: id, milliseconds, probe, arguments, each ended by a tab or the line. */
static int run_batch(const char *path) {
  FILE *list = fopen(path, "re");
  char *line = NULL;
  size_t room = 0;
  if (!list) return perror(path), 98;
  while (getline(&line, &room, list) > 0) {
    char *field[ARGUMENTS_MAX + 1];
    int count = 0;
    line[strcspn(line, "\n")] = 0;
    for (char *rest = line, *one; count < ARGUMENTS_MAX && (one = strsep(&rest, "\t"));) field[count++] = one;
    field[count] = NULL;
    if (count < 3) return fprintf(stderr, "cellos-attack: malformed list\n"), 98;
    run_apart(field[0], atoi(field[1]), count - 2, field + 2);
  }
  free(line);
  fclose(list);
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 4) return fprintf(stderr, "usage: cellos-attack batch|solo HOST-MOUNT-NAMESPACE LIST | PROBE ARGUMENT…\n"), 64;
  host_mount_namespace = argv[2];
  note_inherited();
  require_cell(argv[2]);
  if (strcmp(argv[1], "batch") == 0) return run_batch(argv[3]);
  if (strcmp(argv[1], "solo") != 0) return 64;
  try_one(argc - 3, argv + 3);
  return 0;
}
