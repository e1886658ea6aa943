/* Any system call by its name, with arguments from the list: what the table of attacks is made of for the greater part. */
#include "attack.h"

#define CALL(name) {#name, SYS_##name}

static const struct { const char *name; long number; } calls[] = {
  CALL(acct), CALL(add_key), CALL(adjtimex), CALL(bpf), CALL(capset), CALL(chroot), CALL(clock_adjtime), CALL(clock_settime), CALL(clone), CALL(clone3), CALL(close), CALL(delete_module),
  CALL(execve), CALL(faccessat2), CALL(fanotify_init), CALL(fchmodat), CALL(fchownat), CALL(finit_module), CALL(fsconfig), CALL(fsmount), CALL(fsopen), CALL(fspick), CALL(getpid), CALL(init_module),
  CALL(io_uring_enter), CALL(io_uring_register), CALL(io_uring_setup), CALL(ioctl), CALL(kcmp), CALL(kexec_file_load), CALL(kexec_load), CALL(keyctl), CALL(kill), CALL(linkat), CALL(mbind),
  CALL(migrate_pages), CALL(mkdirat), CALL(mknodat), CALL(mount), CALL(mount_setattr), CALL(move_mount), CALL(move_pages), CALL(msgctl), CALL(msgget), CALL(name_to_handle_at), CALL(open_by_handle_at),
  CALL(open_tree), CALL(openat), CALL(perf_event_open), CALL(personality), CALL(pidfd_getfd), CALL(pidfd_open), CALL(pivot_root), CALL(prctl), CALL(prlimit64), CALL(process_madvise), CALL(process_vm_readv),
  CALL(process_vm_writev), CALL(ptrace), CALL(quotactl), CALL(readlinkat), CALL(reboot), CALL(renameat2), CALL(request_key), CALL(sched_setaffinity), CALL(seccomp), CALL(set_mempolicy),
  CALL(setdomainname), CALL(setgid), CALL(setgroups), CALL(sethostname), CALL(setns), CALL(setpriority), CALL(setresuid), CALL(settimeofday), CALL(setuid), CALL(setxattr), CALL(shmat), CALL(shmctl),
  CALL(shmget), CALL(socket), CALL(socketpair), CALL(swapoff), CALL(swapon), CALL(symlinkat), CALL(syslog), CALL(umount2), CALL(unlinkat), CALL(unshare), CALL(userfaultfd), CALL(vhangup),
#ifdef __x86_64__
  CALL(chmod), CALL(creat), CALL(fchmod), CALL(ioperm), CALL(iopl), CALL(lookup_dcookie), CALL(modify_ldt), CALL(open), CALL(mknod), CALL(sysfs), CALL(uselib), CALL(ustat),
#endif
  /* Newer than the headers of Debian 12; the numbers are those of the common table. */
  {"process_mrelease", 448}, {"fchmodat2", 452}, {"map_shadow_stack", 453}, {"statmount", 457}, {"listmount", 458}, {"lsm_set_self_attr", 460}, {"open_tree_attr", 467}, {"quotactl_fd", 443},
};

/* A name, or the number itself: a call that no header knows, or one with bits that do not belong there. */
static int number_of(const char *name, long *number) {
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
    if (strcmp(calls[i].name, name) == 0) return *number = calls[i].number, 1;
  char *end;
  *number = (long)strtoull(name, &end, 0);
  return end != name && *end == 0;
}

void probe_call(int argc, char **argv) {
  static char zeros[6][4096];
  long value[6] = {0}, number;
  if (argc < 1 || argc > 7 || !number_of(argv[0], &number)) {
    printf("unknown call\n");
    return;
  }
  for (int i = 0; i < argc - 1; i++) value[i] = argv[i + 1][0] == '=' ? (long)(argv[i + 1] + 1) : argv[i + 1][0] == '@' ? (long)zeros[i] : (long)strtoull(argv[i + 1], NULL, 0);
  answer(syscall(number, value[0], value[1], value[2], value[3], value[4], value[5]));
}
