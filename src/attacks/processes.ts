/** Against other processes: the init of the cell above all, which holds the control socket. */
import { AT_FDCWD, attack, call, O_RDONLY, O_RDWR, O_WRONLY, type Attack, type Scenario, scenario, solo } from './attack.ts';

const PID = ['namespace.pid'];
const FILTER = ['seccomp'];

/** A file of the init: hidden because it cannot be dumped, though its user is ours. */
function initFile(id: string, title: string, file: string, flags: number = O_RDONLY): Attack {
  return call(`processes.init-${id}`, title, ['openat', AT_FDCWD, `=/proc/1/${file}`, flags], ['EACCES', 'EPERM'], PID);
}

const attacks: readonly Attack[] = [
  call('processes.ptrace-init', 'trace the init', ['ptrace', 0x4206, 1, 0, 0], 'EPERM', FILTER),
  call('processes.ptrace-me', 'be traced by the parent', ['ptrace', 0, 0, 0, 0], 'EPERM', FILTER),
  attack('processes.ptrace-child', 'trace a process of our own', ['trace-child'], 'EPERM', FILTER),
  attack('processes.vm-readv', 'read the memory of another process', ['read-child'], 'EPERM', FILTER),
  call('processes.vm-writev', 'write the memory of the init', ['process_vm_writev', 1, '@', 1, '@', 1, 0], 'EPERM', FILTER),
  attack('processes.take-descriptor', "take the init's control socket", ['take-descriptor', 1], 'EPERM', FILTER),
  call('processes.kcmp', 'compare kernel objects with the init', ['kcmp', 1, 1, 0, 0, 0], 'EPERM', FILTER),
  call('processes.madvise', "push the init's memory out", ['process_madvise', 1, '@', 1, 21, 0], 'EPERM', FILTER),
  call('processes.mrelease', "release the init's memory", ['process_mrelease', 1, 0], 'EPERM', FILTER),
  call('processes.limit-init', 'take the descriptors from the init', ['prlimit64', 1, 7, '@', 0], 'EPERM', FILTER),
  attack('processes.kill-init', 'kill, stop and flood the init with signals', ['kill-init'], 'alive', PID),
  initFile('environ', 'read the environment of the init', 'environ'),
  initFile('memory', 'read the memory of the init', 'mem', O_RDWR),
  initFile('maps', 'read the address map of the init', 'maps'),
  initFile('descriptors', 'list the descriptors of the init', 'fd'),
  initFile('control', "open the init's control socket", 'fd/4', O_RDWR),
  initFile('program', 'overwrite the program of the init while it runs', 'exe', O_WRONLY),
  initFile('oom', 'have the init killed first when memory runs out', 'oom_score_adj', O_WRONLY),
  call('processes.init-root', 'learn the root folder of the init', ['readlinkat', AT_FDCWD, '=/proc/1/root', '@', 4096], 'EACCES', PID),
  call('processes.init-namespace', 'learn the namespaces of the init', ['readlinkat', AT_FDCWD, '=/proc/1/ns/mnt', '@', 4096], 'EACCES', PID),
  attack('processes.init-arguments', 'find a path of the host in the arguments of the init', ['lacks', '/proc/1/cmdline', '{canary}'], 'absent', PID),
  call('processes.kill-host', 'kill the supervisor', ['kill', '{hostPid}', 9], 'ESRCH', PID),
  call('processes.find-host', 'find the supervisor in /proc', ['openat', AT_FDCWD, '=/proc/{hostPid}/status', O_RDONLY], 'ENOENT', PID),
  call('processes.pidfd-host', 'hold the supervisor by a descriptor', ['pidfd_open', '{hostPid}', 0], ['ESRCH', 'EINVAL'], PID),
  attack('processes.count', 'find more processes than those of the cell', ['sh', 'n=0; for d in /proc/[0-9]*; do n=$((n+1)); done; [ $n -le 4 ] && echo few || echo $n'], 'few', PID),
  attack('processes.core-limit', 'allow core files again', ['raise-limit', 4], 'EPERM', ['capabilities']),
];

export const PROCESSES: readonly Scenario[] = [
  scenario({ name: 'processes', class: 'processes', attacks }),
  solo({ class: 'processes', ending: 'signalled 11', attack: attack('processes.core', 'leave a core file by a crash', ['crash'], 'signalled 11', ['namespace.mount']) }),
  solo({ class: 'processes', attack: attack('processes.kill-everybody', 'kill everything that can be reached', ['kill-everybody'], 'exited 0: the init and the caller are left', PID) }),
];
