/* Tries against other processes, the filter and the identity of the cell, and ways not to go away. See attack.h. */
#include "attack.h"
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>

static void probe_inherited(char **argument) {
  (void)argument;
  printf("%s\n", inherited[0] ? inherited : "none");
}

/* Is a text in a file? `absent`, `PRESENT`, or why the file cannot be read. */
static void probe_lacks(char **argument) {
  static char data[1 << 20];
  size_t size = 0, length = strlen(argument[1]);
  int fd = open(argument[0], O_RDONLY | O_CLOEXEC);
  if (fd < 0) return answer(-1);
  for (ssize_t got = 1; got > 0 && size < sizeof data; size += got > 0 ? (size_t)got : 0)
    if ((got = read(fd, data + size, sizeof data - size)) < 0) return answer(-1);
  printf("%s\n", memmem(data, size, argument[1], length) ? "PRESENT" : "absent");
}

static char init_state(void) {
  char text[256] = "", *end;
  int fd = open("/proc/1/stat", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, text, sizeof text - 1) <= 0 || !(end = strrchr(text, ')'))) return '?';
  close(fd);
  return end[2];
}

static void probe_kill_init(char **argument) {
  static const int signals[] = {SIGKILL, SIGSTOP, SIGTERM, SIGHUP, SIGINT, SIGSEGV, SIGUSR1};
  (void)argument;
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) kill(1, signals[i]);
  for (int i = 0; i < 20000; i++) kill(1, SIGCHLD);
  char state = init_state();
  printf("%s\n", state == 'S' || state == 'R' || state == 'D' ? "alive" : "NOT ALIVE");
}

static pid_t sleeper(void) {
  pid_t pid = fork();
  if (pid == 0)
    for (;;) pause();
  return pid;
}

static void probe_trace_child(char **argument) {
  (void)argument;
  pid_t pid = sleeper();
  answer(ptrace(PTRACE_SEIZE, pid, 0, 0));
  kill(pid, SIGKILL);
}

static void probe_read_child(char **argument) {
  static char theirs[16], ours[16];
  (void)argument;
  pid_t pid = sleeper();
  struct iovec local = {ours, sizeof ours}, remote = {theirs, sizeof theirs};
  answer(process_vm_readv(pid, &local, 1, &remote, 1, 0));
  kill(pid, SIGKILL);
}

/* A descriptor of another process, without ptrace: what pidfd_getfd is for. */
static void probe_take_descriptor(char **argument) {
  int process = (int)syscall(SYS_pidfd_open, atoi(argument[0]), 0);
  if (process < 0) return answer(-1);
  answer(syscall(SYS_pidfd_getfd, process, 4, 0));
}

static void probe_user(char **argument) {
  uid_t real, effective, saved;
  (void)argument;
  getresuid(&real, &effective, &saved);
  printf("%u %u %u\n", real, effective, saved);
}

static void probe_take_capabilities(char **argument) {
  struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct wanted[2] = {{.effective = 1u << CAP_SYS_ADMIN, .permitted = 1u << CAP_SYS_ADMIN}};
  (void)argument;
  answer(syscall(SYS_capset, &head, wanted));
}

/* Who a setuid program of the system runs as. It is not reaped before we look, so it does not matter how soon it ends. */
static void probe_setuid_system(char **argument) {
  static char *const programs[] = {"/usr/bin/su", "/usr/bin/passwd", "/usr/bin/mount", "/usr/bin/newgrp", "/usr/bin/sudo", NULL};
  char path[64], line[256], comm[32] = "";
  unsigned real, effective;
  int pipe_fds[2];
  struct stat st;
  (void)argument;
  for (char *const *program = programs; *program; program++) {
    if (stat(*program, &st) || !(st.st_mode & S_ISUID)) continue;
    if (pipe2(pipe_fds, O_CLOEXEC)) return answer(-1);
    pid_t pid = fork();
    if (pid == 0) {
      if (dup2(pipe_fds[0], 0) < 0) _exit(1);
      execl(*program, *program, NULL);
      _exit(1);
    }
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    for (int tries = 0; tries < 1000; tries++) {
      FILE *status = fopen(path, "re");
      while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "Name: %31s", comm) != 1 && sscanf(line, "Uid: %u %u", &real, &effective) == 2) break;
      if (status) fclose(status);
      if (strcmp(comm, strrchr(*program, '/') + 1) == 0) {
        kill(pid, SIGKILL);
        printf("%u %u\n", real, effective);
        return;
      }
      usleep(1000);
    }
  }
  printf("no setuid program\n");
}

static void probe_exec_user(char **argument) {
  execl(argument[0], "cellos-attack", "solo", host_mount_namespace, "user", NULL);
  answer(-1);
}

/* A program that is in no file system runs, but what holds this one holds it: `solo` makes sure of that before it prints the user. */
static void probe_memfd_exec(char **argument) {
  char copy[1 << 16];
  (void)argument;
  int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to = memfd_create("attack", MFD_CLOEXEC);
  if (from < 0 || to < 0) return answer(-1);
  for (ssize_t got; (got = read(from, copy, sizeof copy)) > 0;)
    if (write(to, copy, (size_t)got) != got) return answer(-1);
  char *argv[] = {"cellos-attack", "solo", (char *)host_mount_namespace, "user", NULL}, *envp[] = {NULL};
  syscall(SYS_execveat, to, "", argv, envp, AT_EMPTY_PATH);
  answer(-1);
}

/* The kernel takes the strictest answer of all filters: one that allows everything must change nothing. */
static void probe_stack_filter(char **argument) {
  struct sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  struct sock_fprog program = {1, &allow};
  (void)argument;
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) return answer(-1);
  answer(ptrace(PTRACE_TRACEME, 0, 0, 0));
}

static void probe_int80(char **argument) {
  (void)argument;
#ifdef __x86_64__
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
  printf("OK %ld\n", result);
#else
  printf("not applicable\n");
#endif
}

/* openat2 takes its mode behind a pointer, where no filter sees it. */
static void probe_openat2(char **argument) {
  uint64_t how[3] = {O_CREAT | O_WRONLY | O_EXCL, strtoull(argument[1], NULL, 8), 0};
  answer(syscall(SYS_openat2, AT_FDCWD, argument[0], how, sizeof how));
}

/* struct vfs_cap_data, revision 2: cap_sys_admin, permitted and effective. */
static void probe_file_capability(char **argument) {
  static const uint32_t capability[5] = {0x02000001, 1u << 21, 0, 0, 0};
  answer(setxattr(argument[0], "security.capability", capability, sizeof capability, 0));
}

/* An ioctl on a terminal of our own. */
static void probe_terminal(char **argument) {
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), number, unlock = 0;
  char path[32], byte = 'x';
  if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) || ioctl(master, TIOCGPTN, &number)) return answer(-1);
  snprintf(path, sizeof path, "/dev/pts/%d", number);
  setsid();
  int terminal = open(path, O_RDWR);
  if (terminal < 0) return answer(-1);
  answer(syscall(SYS_ioctl, terminal, strtoull(argument[0], NULL, 0), &byte));
}

static void probe_raise_limit(char **argument) {
  struct rlimit limit;
  int resource = atoi(argument[0]);
  if (getrlimit((__rlimit_resource_t)resource, &limit)) return answer(-1);
  if (limit.rlim_max == RLIM_INFINITY) {
    printf("unlimited\n");
    return;
  }
  limit.rlim_max++;
  answer(setrlimit((__rlimit_resource_t)resource, &limit));
}

static void probe_crash(char **argument) {
  (void)argument;
  raise(SIGSEGV);
}

/* ---- ways not to go away ---- */

static void ignore_everything(void) {
  for (int sig = 1; sig < 65; sig++) signal(sig, SIG_IGN);
}

/* Twice forked, in a session of its own, deaf; keeps the output open. */
static void probe_daemon(char **argument) {
  if (fork() == 0) {
    setsid();
    if (fork() == 0) {
      ignore_everything();
      prctl(PR_SET_NAME, argument[0]);
      for (;;) pause();
    }
    _exit(0);
  }
  wait(NULL);
  printf("left running\n");
}

/* Each child forks the next and goes: whoever counts and then kills always comes late. */
static void probe_breed(char **argument) {
  (void)argument;
  if (fork() == 0) {
    ignore_everything();
    for (;;) {
      pid_t pid = fork();
      if (pid > 0) _exit(0);
      if (pid == 0) setsid();
    }
  }
  printf("left running\n");
}

static void probe_storm(char **argument) {
  int count = atoi(argument[0]), done = 0;
  for (int i = 0; i < count; i++) {
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    if (pid > 0) done += waitpid(pid, NULL, 0) == pid;
  }
  printf("%d came and went\n", done);
}

static void probe_zombies(char **argument) {
  int count = atoi(argument[0]), made = 0;
  for (int i = 0; i < count; i++) {
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    made += pid > 0;
  }
  printf("%d left unreaped\n", made);
}

static void probe_deaf(char **argument) {
  (void)argument;
  ignore_everything();
  for (;;) pause();
}

static void probe_stop_self(char **argument) {
  (void)argument;
  raise(SIGSTOP);
  printf("went on\n");
}

static void probe_kill_everybody(char **argument) {
  (void)argument;
  pid_t child = sleeper();
  kill(-1, SIGKILL);
  printf("%s\n", waitpid(child, NULL, 0) == child && init_state() != '?' ? "the init and the caller are left" : "unclear");
}

const struct probe process_probes[] = {
  {"inherited", 0, probe_inherited}, {"lacks", 2, probe_lacks}, {"kill-init", 0, probe_kill_init}, {"trace-child", 0, probe_trace_child}, {"read-child", 0, probe_read_child},
  {"take-descriptor", 1, probe_take_descriptor}, {"user", 0, probe_user}, {"exec-user", 1, probe_exec_user}, {"take-capabilities", 0, probe_take_capabilities}, {"setuid-system", 0, probe_setuid_system}, {"memfd-exec", 0, probe_memfd_exec}, {"stack-filter", 0, probe_stack_filter},
  {"int80", 0, probe_int80}, {"openat2", 2, probe_openat2}, {"file-capability", 1, probe_file_capability}, {"terminal", 1, probe_terminal}, {"raise-limit", 1, probe_raise_limit}, {"crash", 0, probe_crash}, {"daemon", 1, probe_daemon},
  {"breed", 0, probe_breed}, {"storm", 1, probe_storm}, {"zombies", 1, probe_zombies}, {"deaf", 0, probe_deaf}, {"stop-self", 0, probe_stop_self}, {"kill-everybody", 0, probe_kill_everybody}, {NULL, 0, NULL},
};
