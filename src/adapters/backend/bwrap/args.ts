/**
 * CellPlan → the records of the launcher and the arguments of bubblewrap. Pure but for a look at which system folders the host has, which
 * the caller hands in.
 *
 *   R1  no host path is an argument of bubblewrap but the staging folder: the cell can read the arguments of its PID 1's parent;
 *   R3  a cell of the profile `portable` sees the host's file system, but for what its plan hides, and writes neither to /sys nor to /proc/sys.
 *   R2  the root of the cell and every system folder are read-only; what is writable is named here: /work, /tmp, /dev/shm, --rw mounts.
 */
import { concatBytes, fromBase64, utf8 } from '../../../base/bytes.ts';
import type { CellPlan } from '../../../core/plan/plan.ts';

/** What exists on the host, as `args` needs to know it. */
export interface SystemView {
  /** Folder the launcher may mount its staging tmpfs on. */
  readonly stage: string;
  /** Top-level name → target of the symlink (`usr/bin`), or true for a real folder. Only bin, sbin, lib, lib32, lib64, libx32. */
  readonly topFolders: Readonly<Record<string, string | true>>;
  /** Host files and folders of /etc that a cell sees. */
  readonly etc: readonly string[];
}

/** Descriptors of the launcher and what runs after it. */
export const FD = { plan: 3, control: 4, status: 5, seccomp: 6, args: 7, extraSeccomp: 8 } as const;

const KIND = { cgroup: 1, mount: 2, overlay: 3, file: 4, dir: 5, link: 6, user: 7, stage: 8, memfd: 9, keep: 10, exec: 11, end: 12 } as const;

type Field = string | number | Uint8Array;

function record(kind: number, ...fields: readonly Field[]): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(kind, fields.length)];
  for (const field of fields) {
    const bytes = field instanceof Uint8Array ? field : utf8(String(field));
    const size = new Uint8Array(4);
    new DataView(size.buffer).setUint32(0, bytes.byteLength, true);
    parts.push(size, bytes);
  }
  return concatBytes(parts);
}

export const ETC_FROM_HOST = ['alternatives', 'ssl', 'ca-certificates', 'ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'localtime', 'mime.types', 'services', 'protocols', 'os-release', 'debian_version'] as const;

function synthesisedEtc(plan: CellPlan): Record<string, string> {
  const { uid, gid } = plan.user;
  return {
    passwd: `root:x:0:0:root:/root:/usr/sbin/nologin\ncell:x:${uid}:${gid}:cell:/work:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n`,
    group: `root:x:0:\ncell:x:${gid}:\nnogroup:x:65534:\n`,
    hosts: `127.0.0.1 localhost ${plan.hostname}\n::1 localhost\n`,
    hostname: `${plan.hostname}\n`,
    'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
    'resolv.conf': '',
  };
}

export interface CellLaunch {
  /** Bytes for the launcher's plan descriptor. */
  readonly plan: Uint8Array;
  /** Arguments of bubblewrap, for tests and for show. */
  readonly bwrapArgs: readonly string[];
}

interface Staged {
  readonly records: Uint8Array[];
  readonly args: string[];
}

function stageSystem(plan: CellPlan, view: SystemView, staged: Staged): void {
  const { records, args } = staged;
  const bind = (source: string, name: string, target: string): void => {
    records.push(record(KIND.mount, 'ro', 1, source, name, -1, -1));
    args.push('--ro-bind', `${view.stage}/${name}`, target);
  };
  bind('/usr', 'usr', '/usr');
  for (const [name, what] of Object.entries(view.topFolders)) {
    if (what === true) bind(`/${name}`, `top-${name}`, `/${name}`);
    else args.push('--symlink', what, `/${name}`);
  }
  for (const [name, text] of Object.entries(synthesisedEtc(plan))) records.push(record(KIND.file, `etc/${name}`, text));
  // Mounted into the staged /etc, so that one bind shows all of it, read-only.
  for (const name of view.etc) records.push(record(KIND.mount, 'ro', 1, `/etc/${name}`, `etc/${name}`, -1, -1));
  args.push('--ro-bind', `${view.stage}/etc`, '/etc');
}

function stageOwn(plan: CellPlan, view: SystemView, staged: Staged, extra: { scratch: string; secrets?: string }): void {
  const { records, args } = staged;
  args.push('--size', String(plan.tmpfs.tmp), '--tmpfs', '/tmp');
  if (plan.tmpfs.work !== undefined) args.push('--size', String(plan.tmpfs.work), '--tmpfs', '/work');
  records.push(record(KIND.mount, 'ro', 0, plan.programs.helper, 'helper', -1, -1));
  args.push('--dir', '/run/cellos/bin', '--ro-bind', `${view.stage}/helper`, '/run/cellos/bin/init', '--symlink', 'init', '/run/cellos/bin/secret', '--symlink', 'init', '/run/cellos/bin/cellos-supervisor');
  if (extra.secrets !== undefined) {
    records.push(record(KIND.mount, 'ro', 0, extra.secrets, 'secrets', -1, -1));
    args.push('--ro-bind', `${view.stage}/secrets`, '/run/cellos/secrets');
  }
  let index = 0;
  for (const mount of plan.mounts) {
    const name = `mount-${index}`;
    const owner = mount.mapOwner ?? { uid: -1, gid: -1 };
    index += 1;
    if (mount.kind === 'workspace') {
      records.push(record(KIND.overlay, mount.source, extra.scratch, name, owner.uid, owner.gid));
      args.push('--bind', `${view.stage}/${name}`, mount.target);
    } else {
      const recursive = plan.user.hostUid === undefined ? 1 : 0;
      records.push(record(KIND.mount, mount.kind === 'rw' ? 'rw' : 'ro', recursive, mount.source, name, owner.uid, owner.gid));
      args.push(mount.kind === 'rw' ? '--bind' : '--ro-bind', `${view.stage}/${name}`, mount.target);
    }
  }
}

const HIDDEN_PROC = ['/proc/irq', '/proc/bus', '/proc/fs', '/proc/sysrq-trigger'] as const;

function ownRoot(plan: CellPlan, view: SystemView, staged: Staged, extra: { scratch: string; secrets?: string }): void {
  const { args } = staged;
  stageSystem(plan, view, staged);
  args.push('--proc', '/proc', '--ro-bind', '/proc/sys', '/proc/sys');
  for (const path of HIDDEN_PROC) args.push('--ro-bind-try', path, path);
  // /dev is bubblewrap's own tmpfs: without a size it would grow to half of the host's memory, and without the remount be writable. [R2]
  args.push('--dev', '/dev', '--size', String(plan.tmpfs.tmp), '--tmpfs', '/dev/shm', '--remount-ro', '/dev');
  stageOwn(plan, view, staged, extra);
  args.push('--remount-ro', '/', '--chdir', '/');
}

/** R3. Processes see only their own in /proc. The staging folder holds nothing here, and is the host's again. */
function hostRoot(plan: CellPlan, hostView: NonNullable<CellPlan['hostView']>, args: string[]): void {
  args.push('--dev-bind', '/', '/', '--proc', '/proc', '--ro-bind', '/proc/sys', '/proc/sys', '--ro-bind-try', '/sys', '/sys');
  for (const path of HIDDEN_PROC) args.push('--ro-bind-try', path, path);
  for (const path of hostView.hidden) args.push('--size', '65536', '--perms', '0000', '--tmpfs', path);
  if (hostView.privateFolder !== undefined) args.push('--size', String(plan.tmpfs.work ?? plan.tmpfs.tmp), '--tmpfs', hostView.privateFolder);
  args.push('--chdir', '/');
}

/** Programs of the filter: one, or ours and the operator's. */
function filterArgs(plan: CellPlan, seccomp: Uint8Array): { args: string[]; memfds: Uint8Array[] } {
  const extra = plan.seccomp.extra === undefined ? undefined : fromBase64(plan.seccomp.extra.program);
  const programs = [...(plan.seccomp.profile === 'off' ? [] : [{ fd: FD.seccomp as number, bytes: seccomp }]), ...(extra === undefined ? [] : [{ fd: FD.extraSeccomp as number, bytes: extra }])];
  const option = programs.length > 1 ? '--add-seccomp-fd' : '--seccomp';
  return { args: programs.flatMap(({ fd }) => [option, String(fd)]), memfds: programs.map(({ fd, bytes }) => record(KIND.memfd, fd, bytes)) };
}

/** Turns a plan into what the launcher reads. */
export function cellLaunch(plan: CellPlan, view: SystemView, extra: { seccomp: Uint8Array; scratch: string; secrets?: string }): CellLaunch {
  const staged: Staged = { records: [], args: [] };
  const { args } = staged;
  const { hostView } = plan;
  const filter = filterArgs(plan, extra.seccomp);
  args.push('--unshare-all', '--unshare-user', ...(hostView === undefined ? ['--disable-userns'] : []), ...(hostView?.network === 'host' ? ['--share-net'] : []), '--as-pid-1', '--die-with-parent', '--new-session', '--clearenv', '--cap-drop', 'ALL');
  args.push('--uid', String(plan.user.uid), '--gid', String(plan.user.gid), ...(hostView === undefined ? ['--hostname', plan.hostname] : []));
  args.push(...filter.args, '--json-status-fd', String(FD.status));
  if (hostView === undefined) ownRoot(plan, view, staged, extra);
  else hostRoot(plan, hostView, args);
  const records = [
    ...plan.cgroups.map((group) => record(KIND.cgroup, group.version, group.path)),
    ...(plan.user.hostUid === undefined ? [] : [record(KIND.user, plan.user.hostUid, plan.user.hostUid)]),
    record(KIND.stage, view.stage),
    ...staged.records,
    ...filter.memfds,
    record(KIND.memfd, FD.args, `${args.join('\0')}\0`),
    record(KIND.keep, FD.control),
    record(KIND.keep, FD.status),
    ...[plan.programs.bwrap, '--args', String(FD.args), '--', ...(hostView === undefined ? ['/run/cellos/bin/init', 'init', String(FD.control)] : [plan.programs.helper, 'init', String(FD.control), String(hostView.umask)])].map((arg) => record(KIND.exec, arg)),
    record(KIND.end),
  ];
  return { plan: concatBytes(records), bwrapArgs: args };
}
