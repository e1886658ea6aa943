/* Starting a command of a cell: its pipes, its session, its filter, its program. The numbers of the invariants are those of init.c. */
#include "init.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define STRINGS_MAX 16384

enum stage { STAGE_CHDIR = 1, STAGE_EXEC, STAGE_FORK };

static int oom_file, oom_own;

static void set_nonblocking(int fd) {
  if (fcntl(fd, F_SETFL, O_NONBLOCK)) fail("fcntl");
}

#define OOM_STEP 300

/*
 * When memory runs out the commands go, not the init that has to report it. A child cannot raise its own score, as it is not dumpable until
 * it executes, so it inherits ours, raised around the fork.
 */
static void set_oom_score(int score) {
  char line[16];
  int size = snprintf(line, sizeof line, "%d", score > 1000 ? 1000 : score);
  if (pwrite(oom_file, line, (size_t)size, 0) != size) fail("oom score");
}

void open_oom_score(void) {
  char line[16] = "";
  oom_file = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
  if (oom_file < 0 || pread(oom_file, line, sizeof line - 1, 0) <= 0) fail("oom score");
  oom_own = atoi(line);
}

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

static int hide_openat2(void) {
  struct sock_filter filter[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void child(int in, int out, int err, int error_fd, const char *cwd, char **argv, char **envp) {
  sigset_t none;
  setsid();
  if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 || dup2(error_fd, 3) < 0) _exit(125);
  fcntl(3, F_SETFD, FD_CLOEXEC);
  if (syscall(SYS_close_range, 4u, ~0u, 0)) _exit(125); /* I2 */
  /* A cell without a filter, which only the profile portable can have, has nothing to hide from. */
  if (prctl(PR_GET_SECCOMP) > 0 && hide_openat2()) _exit(125); /* I7 */
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
  set_oom_score(oom_own + OOM_STEP);
  pid_t pid = fork();
  if (pid == 0) child(in[0], out[1], err[1], failure[1], cwd, argv, envp);
  int fork_errno = errno;
  set_oom_score(oom_own);
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
void on_exec(uint32_t id, uint8_t *data, uint32_t size) {
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
