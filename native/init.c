/*
 * PID 1 of a cell: starts commands when the supervisor asks, carries their streams, reaps, and says how they ended.
 *
 * One duplex stream socket, frames of u32 length (of what follows), u8 type, u32 id, payload. Little-endian. src/wire/cell-control.ts
 * is the other end.
 *   I1  not dumpable: a workload of the same user can neither trace it nor reach its descriptors through /proc;
 *   I2  a workload never holds the socket: it is closed on exec, and everything above 2 is closed in the child before;
 *   I3  output is read only against credit the host granted, so memory stays bounded and the workload feels the backpressure;
 *   I4  a frame that breaks the protocol ends the cell;
 *   I5  files are opened with the cell's own authority, and never through a symlink;
 *   I6  a command's session ends with the command: what it left in there is killed before its end is told, and its output is what was written
 *       until then. Who left the session as well is ended by H_KILLALL, which the supervisor sends as soon as no command runs.
 */
#include "cell.h"
#include <dirent.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum host_frame { H_EXEC = 1, H_STDIN, H_STDIN_EOF, H_CREDIT, H_CLOSE_OUTPUT, H_SIGNAL, H_KILLALL, H_READ, H_WRITE, H_LIST, H_SHUTDOWN, H_MKDIR, H_REMOVE };
enum cell_frame { C_HELLO = 1, C_STARTED, C_EXEC_FAILED, C_DATA, C_EOF, C_EXIT, C_STDIN_CREDIT, C_KILLED, C_FILE_DATA, C_FILE_END, C_FILE_ERROR, C_LIST };
enum stage { STAGE_CHDIR = 1, STAGE_EXEC, STAGE_FORK };

#define FRAME_MAX (1u << 20)
#define CHUNK (64u * 1024)
#define STDIN_WINDOW (256u * 1024)
#define JOBS_MAX 64
#define READS_MAX 16
#define STRINGS_MAX 16384
#define LIST_MAX 4096
#define SESSION_PASSES 8

struct job {
  int used, running;
  uint32_t id;
  pid_t pid;
  int in, out[2];
  uint64_t credit[2];
  uint32_t rest[2]; /* once the command has ended: bytes of its output still to be taken */
  uint8_t *stdin_data;
  uint32_t stdin_start, stdin_size, stdin_owed;
  int stdin_eof;
  struct timespec began;
};

struct reading {
  int used, fd;
  uint32_t id;
  uint64_t credit, left;
};

static int control;
static struct job jobs[JOBS_MAX];
static struct reading readings[READS_MAX];
static uint8_t *inbox;
static uint32_t inbox_size;
static int killing;
static uint32_t kill_id;

static void fail(const char *what) {
  dprintf(2, "cellos-init: %s: %s\n", what, strerror(errno));
  _exit(3);
}

static void write_all(const void *data, size_t size) {
  const uint8_t *p = data;
  while (size > 0) {
    ssize_t wrote = send(control, p, size, MSG_NOSIGNAL);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) _exit(0); /* the supervisor is gone: so is the cell */
    p += wrote;
    size -= (size_t)wrote;
  }
}

static void send_frame(uint8_t type, uint32_t id, const void *payload, uint32_t size) {
  uint8_t head[9];
  put_u32(head, size + 5);
  head[4] = type;
  put_u32(head + 5, id);
  write_all(head, sizeof head);
  if (size) write_all(payload, size);
}

static void send_number(uint8_t type, uint32_t id, uint32_t value) {
  uint8_t payload[4];
  put_u32(payload, value);
  send_frame(type, id, payload, sizeof payload);
}

static void send_two(uint8_t type, uint32_t id, uint8_t first, uint32_t second) {
  uint8_t payload[5] = {first};
  put_u32(payload + 1, second);
  send_frame(type, id, payload, sizeof payload);
}

static void hello(void) {
  char text[8192];
  int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (got <= 0) fail("status");
  close(fd);
  text[got] = 0;
  char out[1024];
  int size = snprintf(out, sizeof out, "version\t%d\n", CELL_PROTOCOL_VERSION);
  static const char *const wanted[] = {"CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:", "Seccomp_filters:", "Uid:"};
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
      if (strncmp(line, wanted[i], strlen(wanted[i])) == 0 && size < (int)sizeof out - 128) size += snprintf(out + size, sizeof out - (size_t)size, "%.100s\n", line);
  send_frame(C_HELLO, 0, out, (uint32_t)size);
}

static struct job *job_of(uint32_t id) {
  for (int i = 0; i < JOBS_MAX; i++)
    if (jobs[i].used && jobs[i].id == id) return &jobs[i];
  return NULL;
}

static void close_fd(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static void release(struct job *job) {
  if (job->running || job->out[0] >= 0 || job->out[1] >= 0) return;
  close_fd(&job->in);
  free(job->stdin_data);
  *job = (struct job){.in = -1, .out = {-1, -1}};
}

static void set_nonblocking(int fd) {
  if (fcntl(fd, F_SETFL, O_NONBLOCK)) fail("fcntl");
}

/* ---- starting a command ---- */

static void report_child(int fd, uint8_t stage) {
  uint8_t message[5] = {stage};
  put_u32(message + 1, (uint32_t)errno);
  if (write(fd, message, sizeof message) != sizeof message) _exit(125);
  _exit(125);
}

static void exec_path(char **argv, char **envp) {
  if (strchr(argv[0], '/')) {
    execve(argv[0], argv, envp);
    return;
  }
  const char *path = "";
  for (char **e = envp; *e; e++)
    if (strncmp(*e, "PATH=", 5) == 0) path = *e + 5;
  int denied = 0;
  errno = ENOENT;
  while (*path) {
    char full[4096];
    size_t length = strcspn(path, ":");
    if (length > 0 && (size_t)snprintf(full, sizeof full, "%.*s/%s", (int)length, path, argv[0]) < sizeof full) {
      execve(full, argv, envp);
      if (errno == EACCES) denied = 1;
      else if (errno != ENOENT && errno != ENOTDIR) return;
    }
    path += length;
    if (*path == ':') path++;
  }
  errno = denied ? EACCES : ENOENT;
}

static void child(int in, int out, int err, int error_fd, const char *cwd, char **argv, char **envp) {
  sigset_t none;
  setsid();
  if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 || dup2(error_fd, 3) < 0) _exit(125);
  fcntl(3, F_SETFD, FD_CLOEXEC);
  if (syscall(SYS_close_range, 4u, ~0u, 0)) _exit(125); /* I2 */
  for (int sig = 1; sig < 65; sig++) signal(sig, SIG_DFL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  if (chdir(cwd)) report_child(3, STAGE_CHDIR);
  exec_path(argv, envp);
  report_child(3, STAGE_EXEC);
}

static void start_job(uint32_t id, const char *cwd, char **argv, char **envp, int want_stdin) {
  struct job *job = NULL;
  for (int i = 0; i < JOBS_MAX && !job; i++)
    if (!jobs[i].used) job = &jobs[i];
  int in[2], out[2], err[2], failure[2];
  errno = EAGAIN;
  if (!job || job_of(id)) return send_two(C_EXEC_FAILED, id, STAGE_FORK, EAGAIN);
  if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) || pipe2(failure, O_CLOEXEC)) fail("pipe");
  uint8_t *window = want_stdin ? malloc(STDIN_WINDOW) : NULL;
  if (want_stdin && !window) fail("memory");
  struct timespec began;
  clock_gettime(CLOCK_MONOTONIC, &began);
  pid_t pid = fork();
  if (pid == 0) child(in[0], out[1], err[1], failure[1], cwd, argv, envp);
  int fork_errno = errno;
  close(in[0]), close(out[1]), close(err[1]), close(failure[1]);
  uint8_t message[5];
  ssize_t got = 0;
  if (pid > 0)
    while ((got = read(failure[0], message, sizeof message)) < 0 && errno == EINTR) continue;
  close(failure[0]);
  if (pid < 0 || got == (ssize_t)sizeof message) {
    close(in[1]), close(out[0]), close(err[0]);
    free(window);
    if (pid > 0) waitpid(pid, NULL, 0);
    return pid < 0 ? send_two(C_EXEC_FAILED, id, STAGE_FORK, (uint32_t)fork_errno) : send_two(C_EXEC_FAILED, id, message[0], get_u32(message + 1));
  }
  *job = (struct job){.used = 1, .running = 1, .id = id, .pid = pid, .in = in[1], .out = {out[0], err[0]}, .stdin_data = window, .began = began};
  set_nonblocking(in[1]), set_nonblocking(out[0]), set_nonblocking(err[0]);
  if (!want_stdin) close_fd(&job->in);
  send_number(C_STARTED, id, (uint32_t)pid);
  if (want_stdin) send_number(C_STDIN_CREDIT, id, STDIN_WINDOW);
}

/* payload: u8 wantStdin, u32 argc, u32 envc, then cwd, argv and envp, each ended by NUL */
static void on_exec(uint32_t id, uint8_t *data, uint32_t size) {
  static char *strings[STRINGS_MAX + 3];
  if (size < 10 || data[size - 1] != 0) fail("malformed exec");
  uint32_t argc = get_u32(data + 1), envc = get_u32(data + 5);
  if (argc == 0 || argc > STRINGS_MAX || envc > STRINGS_MAX || argc + envc > STRINGS_MAX) fail("malformed exec");
  char *p = (char *)data + 9, *end = (char *)data + size, *cwd = p;
  p += strlen(p) + 1;
  uint32_t at = 0;
  for (uint32_t i = 0; i < argc + envc; i++) {
    if (p >= end) fail("malformed exec");
    if (i == argc) strings[at++] = NULL;
    strings[at++] = p;
    p += strlen(p) + 1;
  }
  if (envc == 0) strings[at++] = NULL;
  strings[at] = NULL;
  if (p != end) fail("malformed exec");
  start_job(id, cwd, strings, strings + argc + 1, data[0] != 0);
  memset(data, 0, size); /* secrets may have been in the environment */
}

/* ---- streams ---- */

static void feed_stdin(struct job *job) {
  while (job->in >= 0 && job->stdin_size > 0) {
    uint32_t run = STDIN_WINDOW - job->stdin_start;
    if (run > job->stdin_size) run = job->stdin_size;
    ssize_t wrote = write(job->in, job->stdin_data + job->stdin_start, run);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0 && errno == EAGAIN) break;
    if (wrote < 0) { /* the command closed its stdin: what is left, and what comes, is swallowed */
      close_fd(&job->in);
      wrote = (ssize_t)job->stdin_size;
    }
    job->stdin_start = (job->stdin_start + (uint32_t)wrote) % STDIN_WINDOW;
    job->stdin_size -= (uint32_t)wrote;
    job->stdin_owed += (uint32_t)wrote;
  }
  if (job->stdin_owed >= STDIN_WINDOW / 4 || (job->stdin_owed > 0 && job->stdin_size == 0)) {
    send_number(C_STDIN_CREDIT, job->id, job->stdin_owed);
    job->stdin_owed = 0;
  }
  if (job->stdin_eof && job->stdin_size == 0) close_fd(&job->in);
}

static void on_stdin(uint32_t id, const uint8_t *data, uint32_t size) {
  struct job *job = job_of(id);
  if (!job) return; /* already over: nothing to feed */
  if (!job->stdin_data || job->stdin_eof || size > STDIN_WINDOW - job->stdin_size) fail("stdin beyond credit");
  if (job->in < 0) {
    send_number(C_STDIN_CREDIT, id, size);
    return;
  }
  for (uint32_t copied = 0; copied < size;) {
    uint32_t to = (job->stdin_start + job->stdin_size) % STDIN_WINDOW;
    uint32_t run = STDIN_WINDOW - to < size - copied ? STDIN_WINDOW - to : size - copied;
    memcpy(job->stdin_data + to, data + copied, run);
    copied += run;
    job->stdin_size += run;
  }
  feed_stdin(job);
}

static void end_output(struct job *job, int stream) {
  uint8_t which = (uint8_t)stream;
  close_fd(&job->out[stream]);
  send_frame(C_EOF, job->id, &which, 1);
  release(job);
}

static void drain_output(struct job *job, int stream) {
  static uint8_t chunk[CHUNK + 1];
  uint32_t want = job->credit[stream] < CHUNK ? (uint32_t)job->credit[stream] : CHUNK;
  if (!job->running && want > job->rest[stream]) want = job->rest[stream];
  ssize_t got = read(job->out[stream], chunk + 1, want);
  if (got < 0 && errno == EINTR) return;
  if (got < 0 && errno == EAGAIN && job->running) return;
  if (got <= 0) return end_output(job, stream);
  chunk[0] = (uint8_t)stream;
  job->credit[stream] -= (uint64_t)got;
  send_frame(C_DATA, job->id, chunk, (uint32_t)got + 1);
  if (job->running) return;
  job->rest[stream] -= (uint32_t)got;
  if (job->rest[stream] == 0) end_output(job, stream);
}

/* ---- endings ---- */

static void report_exit(struct job *job, int status, const struct rusage *usage) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  uint64_t micros = (uint64_t)(now.tv_sec - job->began.tv_sec) * 1000000 + (uint64_t)((now.tv_nsec - job->began.tv_nsec) / 1000);
  uint8_t payload[38] = {WIFSIGNALED(status) ? 1 : 0};
  put_u32(payload + 1, (uint32_t)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)));
  payload[5] = WIFSIGNALED(status) && WCOREDUMP(status) ? 1 : 0;
  put_u64(payload + 6, micros);
  put_u64(payload + 14, (uint64_t)usage->ru_utime.tv_sec * 1000000 + (uint64_t)usage->ru_utime.tv_usec);
  put_u64(payload + 22, (uint64_t)usage->ru_stime.tv_sec * 1000000 + (uint64_t)usage->ru_stime.tv_usec);
  put_u64(payload + 30, (uint64_t)usage->ru_maxrss * 1024);
  job->running = 0;
  close_fd(&job->in);
  send_frame(C_EXIT, job->id, payload, sizeof payload);
  for (int stream = 0; stream < 2; stream++) {
    int rest = 0;
    if (job->out[stream] < 0) continue;
    if (ioctl(job->out[stream], FIONREAD, &rest)) rest = 0;
    job->rest[stream] = (uint32_t)rest;
    if (rest == 0) end_output(job, stream);
  }
  release(job);
}

/* Kills what is left of a session whose leader has ended but is not reaped: its number still is its own. @returns how many were found */
static int kill_session(pid_t session) {
  DIR *dir = opendir("/proc");
  if (!dir) return 0;
  int found = 0;
  for (struct dirent *entry; (entry = readdir(dir));) {
    char text[512], path[64], *end;
    long pid = strtol(entry->d_name, &end, 10);
    if (*end || pid <= 1 || pid == session) continue;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    if (got <= 0) continue;
    text[got] = 0;
    char state;
    int of;
    char *after = strrchr(text, ')'); /* the name before it may hold anything */
    if (!after || sscanf(after + 1, " %c %*d %*d %d", &state, &of) != 2 || of != session || state == 'Z') continue;
    kill((pid_t)pid, SIGKILL);
    found++;
  }
  closedir(dir);
  return found;
}

static struct job *running_job(pid_t pid) {
  for (int i = 0; i < JOBS_MAX; i++)
    if (jobs[i].used && jobs[i].running && jobs[i].pid == pid) return &jobs[i];
  return NULL;
}

static void reap(void) {
  for (;;) {
    int status;
    struct rusage usage;
    siginfo_t info = {.si_pid = 0};
    int none = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
    if (none < 0 && errno == EINTR) continue;
    if (none == 0 && info.si_pid == 0) return;
    struct job *job = info.si_pid > 0 ? running_job(info.si_pid) : NULL;
    if (job)
      for (int pass = 0; pass < SESSION_PASSES && kill_session(job->pid); pass++) continue; /* I6; again for what forked meanwhile */
    pid_t pid = wait4(info.si_pid > 0 ? info.si_pid : -1, &status, WNOHANG, &usage);
    if (pid < 0 && errno == EINTR) continue;
    if (pid == 0) return;
    if (pid < 0) {
      if (killing) {
        killing = 0;
        send_frame(C_KILLED, kill_id, NULL, 0);
      }
      return;
    }
    if (job) report_exit(job, status, &usage);
  }
}

/* ---- files, with the cell's own authority [I5] ---- */

static int open_plain(const char *path, uint64_t flags, uint64_t mode) {
  struct open_how how = {.flags = flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, .mode = mode, .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

static void file_error(uint32_t id, int error) { send_number(C_FILE_ERROR, id, (uint32_t)error); }

/* payload: u64 size limit, path, NUL */
static void on_read(uint32_t id, const uint8_t *data, uint32_t size) {
  if (size < 10 || data[size - 1] != 0) fail("malformed read");
  uint64_t limit = (uint64_t)get_u32(data) | (uint64_t)get_u32(data + 4) << 32;
  struct reading *slot = NULL;
  for (int i = 0; i < READS_MAX && !slot; i++)
    if (!readings[i].used) slot = &readings[i];
  if (!slot) return file_error(id, EMFILE);
  struct stat st;
  int fd = open_plain((const char *)data + 8, O_RDONLY, 0);
  if (fd < 0) return file_error(id, errno);
  int error = fstat(fd, &st) ? errno : S_ISDIR(st.st_mode) ? EISDIR : !S_ISREG(st.st_mode) ? EPERM : (uint64_t)st.st_size > limit ? EFBIG : 0;
  if (error) {
    close(fd);
    return file_error(id, error);
  }
  *slot = (struct reading){.used = 1, .fd = fd, .id = id, .left = limit};
}

static void end_reading(struct reading *r, int error) {
  close(r->fd);
  r->used = 0;
  if (error) file_error(r->id, error);
  else send_frame(C_FILE_END, r->id, NULL, 0);
}

static void pump_reading(struct reading *r) {
  static uint8_t chunk[CHUNK];
  ssize_t got = read(r->fd, chunk, r->credit < CHUNK ? (size_t)r->credit : CHUNK);
  if (got < 0) return end_reading(r, errno);
  if (got == 0) return end_reading(r, 0);
  if ((uint64_t)got > r->left) return end_reading(r, EFBIG); /* it grew while we read */
  r->left -= (uint64_t)got;
  r->credit -= (uint64_t)got;
  send_frame(C_FILE_DATA, r->id, chunk, (uint32_t)got);
}

/* payload: u8 flags (1 first, 2 last), path NUL, bytes. Written beside the target, renamed with the last piece. */
static void on_write(uint32_t id, const uint8_t *data, uint32_t size) {
  if (size < 3) fail("malformed write");
  const char *path = (const char *)data + 1;
  size_t length = strnlen(path, size - 1);
  if (length == size - 1) fail("malformed write");
  char temp[4096];
  if ((size_t)snprintf(temp, sizeof temp, "%s.cellos-part", path) >= sizeof temp) return file_error(id, ENAMETOOLONG);
  const uint8_t *bytes = data + 2 + length;
  size_t left = size - 2 - length;
  struct stat st;
  if (data[0] & 1 && lstat(path, &st) == 0 && !S_ISREG(st.st_mode)) return file_error(id, S_ISLNK(st.st_mode) ? ELOOP : S_ISDIR(st.st_mode) ? EISDIR : EPERM);
  int fd = open_plain(temp, O_WRONLY | O_APPEND | (data[0] & 1 ? O_CREAT | O_TRUNC : 0), data[0] & 1 ? 0644 : 0);
  if (fd < 0) return file_error(id, errno);
  while (left > 0) {
    ssize_t wrote = write(fd, bytes, left);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) {
      int error = errno;
      close(fd);
      unlink(temp);
      return file_error(id, error);
    }
    bytes += wrote;
    left -= (size_t)wrote;
  }
  close(fd);
  if (data[0] & 2 && rename(temp, path)) {
    int error = errno;
    unlink(temp);
    return file_error(id, error);
  }
  send_frame(C_FILE_END, id, NULL, 0);
}

/* Splits an absolute path: opens the folder of its last part, and points at that part. */
static int open_parent(char *path, char **name) {
  *name = strrchr(path, '/');
  if (!*name || !(*name)[1]) {
    errno = EINVAL;
    return -1;
  }
  *(*name)++ = 0;
  int fd = open_plain(*path ? path : "/", O_RDONLY | O_DIRECTORY, 0);
  int error = errno;
  (*name)[-1] = '/';
  errno = error;
  return fd;
}

/* Makes a folder and those above it; one that is there already is fine. Removes a file, a link or an empty folder. */
static void on_change(uint8_t type, uint32_t id, uint8_t *data, uint32_t size) {
  if (size < 2 || data[size - 1] != 0) fail("malformed path");
  if (data[0] != '/') return file_error(id, EINVAL);
  char *path = (char *)data, *name;
  for (char *p = path + 1; type == H_MKDIR && *p; p++) {
    if (*p != '/') continue;
    *p = 0;
    int parent = open_parent(path, &name);
    int made = parent < 0 ? -1 : mkdirat(parent, name, 0755), error = errno;
    if (parent >= 0) close(parent);
    *p = '/';
    if (made && error != EEXIST) return file_error(id, error);
  }
  struct stat st;
  int parent = open_parent(path, &name);
  if (parent < 0) return file_error(id, errno);
  int failed = fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW), exists = !failed;
  if (type == H_MKDIR) {
    failed = exists ? !S_ISDIR(st.st_mode) : mkdirat(parent, name, 0755);
    if (exists && failed) errno = EEXIST;
  } else if (exists) failed = unlinkat(parent, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0);
  int error = errno;
  close(parent);
  if (failed) return file_error(id, error);
  send_frame(C_FILE_END, id, NULL, 0);
}

/* answer: for each entry u8 kind (f d l o), u64 size, name, NUL */
static void on_list(uint32_t id, const uint8_t *data, uint32_t size) {
  if (size < 2 || data[size - 1] != 0) fail("malformed list");
  int fd = open_plain((const char *)data, O_RDONLY | O_DIRECTORY, 0);
  DIR *dir = fd < 0 ? NULL : fdopendir(fd);
  if (!dir) return file_error(id, errno);
  uint8_t *out = malloc(FRAME_MAX);
  if (!out) fail("memory");
  uint32_t used = 0, count = 0;
  for (struct dirent *entry; (entry = readdir(dir));) {
    struct stat st;
    size_t length = strlen(entry->d_name) + 1;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW)) continue;
    if (++count > LIST_MAX || used + 9 + length > FRAME_MAX - 16) {
      free(out);
      closedir(dir);
      return file_error(id, E2BIG);
    }
    out[used] = S_ISREG(st.st_mode) ? 'f' : S_ISDIR(st.st_mode) ? 'd' : S_ISLNK(st.st_mode) ? 'l' : 'o';
    put_u64(out + used + 1, (uint64_t)st.st_size);
    memcpy(out + used + 9, entry->d_name, length);
    used += 9 + (uint32_t)length;
  }
  closedir(dir);
  send_frame(C_LIST, id, out, used);
  free(out);
}

/* ---- the loop ---- */

static void on_credit(uint32_t id, const uint8_t *data, uint32_t size) {
  if (size != 5) fail("malformed credit");
  struct job *job = job_of(id);
  if (data[0] < 2) {
    if (job) job->credit[data[0]] += get_u32(data + 1);
    return;
  }
  for (int i = 0; i < READS_MAX; i++)
    if (readings[i].used && readings[i].id == id) readings[i].credit += get_u32(data + 1);
}

static void on_signal(uint32_t id, const uint8_t *data, uint32_t size) {
  if (size != 4) fail("malformed signal");
  struct job *job = job_of(id);
  int sig = (int)get_u32(data);
  if (!job || !job->running || sig < 1 || sig > 64) return;
  if (kill(-job->pid, sig)) kill(job->pid, sig);
}

static void on_frame(uint8_t type, uint32_t id, uint8_t *data, uint32_t size) {
  struct job *job = job_of(id);
  switch (type) {
    case H_EXEC: return on_exec(id, data, size);
    case H_STDIN: return on_stdin(id, data, size);
    case H_STDIN_EOF:
      if (job) {
        job->stdin_eof = 1;
        feed_stdin(job);
      }
      return;
    case H_CREDIT: return on_credit(id, data, size);
    case H_CLOSE_OUTPUT:
      if (size == 1 && data[0] < 2 && job && job->out[data[0]] >= 0) {
        close_fd(&job->out[data[0]]);
        send_frame(C_EOF, id, data, 1); /* the supervisor waits for the end of a stream it closed, too */
        release(job);
      }
      if (size == 1 && data[0] == 2)
        for (int i = 0; i < READS_MAX; i++)
          if (readings[i].used && readings[i].id == id) end_reading(&readings[i], ECANCELED);
      return;
    case H_SIGNAL: return on_signal(id, data, size);
    case H_KILLALL:
      killing = 1;
      kill_id = id;
      kill(-1, SIGKILL);
      reap();
      return;
    case H_READ: return on_read(id, data, size);
    case H_WRITE: return on_write(id, data, size);
    case H_LIST: return on_list(id, data, size);
    case H_MKDIR:
    case H_REMOVE: return on_change(type, id, data, size);
    case H_SHUTDOWN: _exit(0);
    default: fail("unknown frame"); /* I4 */
  }
}

static void on_control(void) {
  ssize_t got = recv(control, inbox + inbox_size, FRAME_MAX + 16 - inbox_size, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) _exit(0);
  inbox_size += (uint32_t)got;
  uint32_t at = 0;
  while (inbox_size - at >= 9) {
    uint32_t length = get_u32(inbox + at);
    if (length < 5 || length > FRAME_MAX) fail("malformed frame");
    if (inbox_size - at < 4 + length) break;
    on_frame(inbox[at + 4], get_u32(inbox + at + 5), inbox + at + 9, length - 5);
    at += 4 + length;
  }
  memmove(inbox, inbox + at, inbox_size - at);
  inbox_size -= at;
}

static void turn(int signals) {
  static struct pollfd fds[2 + JOBS_MAX * 3];
  static struct { struct job *job; int what; } owner[2 + JOBS_MAX * 3];
  nfds_t count = 2;
  int timeout = killing ? 20 : -1;
  fds[0] = (struct pollfd){.fd = control, .events = POLLIN};
  fds[1] = (struct pollfd){.fd = signals, .events = POLLIN};
  for (int i = 0; i < JOBS_MAX; i++) {
    struct job *job = &jobs[i];
    if (!job->used) continue;
    for (int stream = 0; stream < 2; stream++)
      if (job->out[stream] >= 0 && job->credit[stream] > 0) {
        owner[count].job = job, owner[count].what = stream;
        fds[count++] = (struct pollfd){.fd = job->out[stream], .events = POLLIN};
      }
    if (job->in >= 0 && job->stdin_size > 0) {
      owner[count].job = job, owner[count].what = 2;
      fds[count++] = (struct pollfd){.fd = job->in, .events = POLLOUT};
    }
  }
  for (int i = 0; i < READS_MAX; i++)
    if (readings[i].used && readings[i].credit > 0) timeout = 0;
  for (nfds_t i = 2; i < count; i++)
    if (owner[i].what < 2 && !owner[i].job->running) timeout = 0; /* what an ended command wrote is there already */
  if (poll(fds, count, timeout) < 0 && errno != EINTR) fail("poll");
  for (nfds_t i = 2; i < count; i++) {
    if (!owner[i].job->used || (!fds[i].revents && (owner[i].what == 2 || owner[i].job->running))) continue;
    if (owner[i].what == 2) feed_stdin(owner[i].job);
    else if (owner[i].job->out[owner[i].what] == fds[i].fd) drain_output(owner[i].job, owner[i].what);
  }
  for (int i = 0; i < READS_MAX; i++)
    if (readings[i].used && readings[i].credit > 0) pump_reading(&readings[i]);
  if (fds[1].revents) {
    struct signalfd_siginfo info[16];
    if (read(signals, info, sizeof info) < 0 && errno != EAGAIN && errno != EINTR) fail("signals");
    reap();
  }
  if (killing) {
    kill(-1, SIGKILL); /* a process forked between two looks is caught by the next */
    reap();
  }
  if (fds[0].revents) on_control();
}

int init_main(int control_fd) {
  control = control_fd;
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)) fail("dumpable"); /* I1 */
  if (getpid() != 1) fail("not the first process of a cell");
  if (fcntl(control, F_SETFD, FD_CLOEXEC)) fail("control socket");
  umask(022);
  sigset_t set;
  sigfillset(&set);
  sigprocmask(SIG_SETMASK, &set, NULL);
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  inbox = malloc(FRAME_MAX + 16);
  if (signals < 0 || !inbox) fail("start");
  signal(SIGPIPE, SIG_IGN);
  hello();
  for (;;) turn(signals);
}
