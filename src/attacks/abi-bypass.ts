/** Around the filter: calls it might not recognise, and filters that might be undone. */
import { type Attack, attack, call, type Scenario, scenario } from './attack.ts';

const FILTER = ['seccomp'];
const KILLED = ['killed SIGSYS'];
/** A bit above the 32 that the kernel looks at. */
const HIGH = '0x100000000';
const high = (low: number): string => `0x1${low.toString(16).padStart(8, '0')}`;
const X32 = 0x40000000;
/** Numbers of x86-64; on arm64 they are other calls, or none, so that these tries are made there too but prove less. */
const NR = { getpid: 39, ptrace: 101, execve: 59, mount: 165, unshare: 272, keyctl: 250 } as const;

const numbering: readonly Attack[] = [
  ...(['getpid', 'execve', 'ptrace', 'mount', 'unshare', 'keyctl'] as const).map((name) => call(`abi-bypass.x32-${name}`, `${name} by the x32 numbering`, [X32 + NR[name]], [...KILLED, 'ENOSYS'], FILTER)),
  attack('abi-bypass.int80', 'a call by the gate of 32-bit programs', ['int80'], [...KILLED, 'not applicable'], FILTER),
  call('abi-bypass.number-minus-one', 'the call with the number -1', ['0xffffffff'], [...KILLED, 'ENOSYS'], FILTER),
  call('abi-bypass.number-beyond', 'a number beyond the table', [9999], 'ENOSYS', FILTER),
  call('abi-bypass.number-high-ptrace', 'ptrace with a stray bit above its number', [high(NR.ptrace), 0, 0, 0, 0], ['EPERM', 'ENOSYS'], FILTER),
  call('abi-bypass.number-high-mount', 'mount with a stray bit above its number', [high(NR.mount), '=none', '=/work', '=tmpfs', 0, 0], ['EPERM', 'ENOSYS'], FILTER),
];

const stray: readonly Attack[] = [
  call('abi-bypass.clone-high', 'clone with a namespace flag and stray bits', ['clone', high(0x10000000 | 17), 0, 0, 0, 0], 'EPERM', FILTER),
  call('abi-bypass.socket-high', 'a vsock socket with stray bits', ['socket', high(40), 1, 0], 'EAFNOSUPPORT', FILTER),
  call('abi-bypass.netlink-high', 'an audit socket with stray bits', ['socket', high(16), 3, high(9)], 'EAFNOSUPPORT', FILTER),
  call('abi-bypass.personality-high', 'switch address randomisation off with stray bits', ['personality', high(0x0040000)], 'EPERM', FILTER),
  attack('abi-bypass.terminal-high', 'type into a terminal with stray bits', ['terminal', high(0x5412)], 'EPERM', FILTER),
  call('abi-bypass.mode-high', 'a setuid mode with stray bits', ['fchmodat', -100, '=/work', high(0o4755)], 'EPERM', FILTER),
  call('abi-bypass.limit-high', "the init's limits with stray bits", ['prlimit64', high(1), 7, '@', 0], 'EPERM', FILTER),
];

const undone: readonly Attack[] = [
  call('abi-bypass.filter-off', 'switch the filter off', ['prctl', 22, 0, 0, 0, 0], 'EINVAL', FILTER),
  call('abi-bypass.filter-strict', 'replace the filter by the strict mode', ['seccomp', 0, 0, 0], 'EINVAL', FILTER),
  attack('abi-bypass.filter-stacked', 'lay a filter over it that allows everything', ['stack-filter'], 'EPERM', FILTER),
  call('abi-bypass.filter-listener', 'answer for the filter as its supervisor', ['seccomp', 1, 8, '@'], ['EINVAL', 'EFAULT', 'EACCES', 'EBUSY'], FILTER),
  call('abi-bypass.new-privileges', 'allow new privileges again', ['prctl', 38, 0, 0, 0, 0], 'EINVAL', ['no-new-privileges']),
  attack('abi-bypass.memfd-exec', 'run a program that is in no file system', ['memfd-exec'], '1000 1000 1000', ['seccomp', 'no-new-privileges', 'capabilities']),
  attack('abi-bypass.loader', 'run a program by the loader instead of the kernel', ['sh', 'l=$(ls /lib64/ld-linux-*.so.* /lib/ld-linux-*.so.* 2>/dev/null | head -1); "$l" /usr/bin/unshare -U true 2>/dev/null && echo STARTED || echo refused'], 'refused', FILTER),
  call('abi-bypass.high-bit-alone', 'a call with nothing but a stray bit', [HIGH, -1, '@', 1], ['EBADF', 'ENOSYS', 'EINVAL'], FILTER),
];

export const ABI_BYPASS: readonly Scenario[] = [scenario({ name: 'abi-bypass', class: 'abi-bypass', attacks: [...numbering, ...stray, ...undone] })];
