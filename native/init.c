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
 *   I7  openat2 is ours alone: it hides the mode of a file from the filter, so a workload is told that there is none (seccomp.ts, S4).
 */
#include "init.h"
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define SESSION_PASSES 8

static int control;
struct job jobs[JOBS_MAX];
static uint8_t *inbox;
static uint32_t inbox_size;
static int killing;
static uint32_t kill_id;

void fail(const char *what) {
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

void send_frame(uint8_t type, uint32_t id, const void *payload, uint32_t size) {
  uint8_t head[9];
  put_u32(head, size + 5);
  head[4] = type;
  put_u32(head + 5, id);
  write_all(head, sizeof head);
  if (size) write_all(payload, size);
}

void send_number(uint8_t type, uint32_t id, uint32_t value) {
  uint8_t payload[4];
  put_u32(payload, value);
  send_frame(type, id, payload, sizeof payload);
}

void send_two(uint8_t type, uint32_t id, uint8_t first, uint32_t second) {
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

struct job *job_of(uint32_t id) {
  for (int i = 0; i < JOBS_MAX; i++)
    if (jobs[i].used && jobs[i].id == id) return &jobs[i];
  return NULL;
}

void close_fd(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static void release(struct job *job) {
  if (job->running || job->out[0] >= 0 || job->out[1] >= 0) return;
  close_fd(&job->in);
  free(job->stdin_data);
  *job = (struct job){.in = -1, .out = {-1, -1}};
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

/* ---- the loop ---- */

static void on_credit(uint32_t id, const uint8_t *data, uint32_t size) {
  if (size != 5) fail("malformed credit");
  struct job *job = job_of(id);
  if (data[0] < 2) {
    if (job) job->credit[data[0]] += get_u32(data + 1);
    return;
  }
  credit_reading(id, get_u32(data + 1));
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
      if (size == 1 && data[0] == 2) cancel_reading(id);
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
  if (readings_wait()) timeout = 0;
  for (nfds_t i = 2; i < count; i++)
    if (owner[i].what < 2 && !owner[i].job->running) timeout = 0; /* what an ended command wrote is there already */
  if (poll(fds, count, timeout) < 0 && errno != EINTR) fail("poll");
  for (nfds_t i = 2; i < count; i++) {
    if (!owner[i].job->used || (!fds[i].revents && (owner[i].what == 2 || owner[i].job->running))) continue;
    if (owner[i].what == 2) feed_stdin(owner[i].job);
    else if (owner[i].job->out[owner[i].what] == fds[i].fd) drain_output(owner[i].job, owner[i].what);
  }
  pump_readings();
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

int init_main(int control_fd, int mask) {
  control = control_fd;
  open_oom_score(); /* while we are dumpable: afterwards the file is not ours to open */
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)) fail("dumpable"); /* I1 */
  if (getpid() != 1) fail("not the first process of a cell");
  if (fcntl(control, F_SETFD, FD_CLOEXEC)) fail("control socket");
  umask((mode_t)mask);
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
