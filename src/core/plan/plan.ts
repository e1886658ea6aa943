/**
 * `CellPlan`: inert JSON that says, for each asked thing, what will be enforced and by what. Types only; `plan-cell.ts` makes it.
 *
 *   P1  a plan holds no secret value and no live handle: it can be printed, stored and compared;
 *   P2  every thing the document or the command line asks for has one item; nothing is dropped in silence.
 */
import type { Digest } from '../../base/crypto.ts';
import type { CellId, RunId, SpecId } from '../../base/ids.ts';
import type { SecretDeliveryMode } from '../spec/document.ts';

/** How an asked thing is met. */
export type PlanStatus =
  /** In force as asked. */
  | 'enforced'
  /** Weaker than asked, allowed by name with `--allow-downgrade`. */
  | 'downgraded'
  /** Recorded, never enforced by anyone (attribution, hints). */
  | 'declared'
  /** Cannot be met here: the run is refused. */
  | 'unsatisfiable';

export interface PlanItem {
  /** Closed vocabulary, dotted: `namespace.pid`, `limit.memory`, `network.egress` … The name `--allow-downgrade` takes. */
  readonly name: string;
  readonly asked: string;
  readonly effective: string;
  /** What enforces it: `kernel pid namespace`, `cgroup v1 memory` … Empty when nothing does. */
  readonly mechanism: string;
  readonly status: PlanStatus;
  /** For `unsatisfiable` and `downgraded`: why, and what to do. */
  readonly reason?: string;
}

export type MountKind = 'system' | 'ro' | 'rw' | 'workspace';

/** A host path seen in the cell. */
export interface PlannedMount {
  readonly kind: MountKind;
  /** Absolute, symlinks resolved, on the host. */
  readonly source: string;
  /** Absolute, in the cell. */
  readonly target: string;
  /** Owner of `source` on the host, mapped to the cell's user (id-mapped mount); undefined: bound as it is. */
  readonly mapOwner?: { readonly uid: number; readonly gid: number };
}

export type CgroupController = 'memory' | 'pids' | 'cpu' | 'freezer' | 'unified';

/** One cgroup directory made for this cell. `parent` exists; `path` is made at start and removed at teardown. */
export interface PlannedCgroup {
  readonly controller: CgroupController;
  readonly version: 1 | 2;
  readonly path: string;
  /** File name → text written after mkdir, in this order. Any failure fails the start. */
  readonly writes: readonly { readonly file: string; readonly value: string }[];
}

export interface CellPlan {
  readonly v: 1;
  readonly backend: 'bwrap';
  readonly runId: RunId;
  readonly cellId: CellId;
  readonly specId: SpecId;
  readonly items: readonly PlanItem[];
  /** Names from `--allow-downgrade` that were really used. */
  readonly downgrades: readonly string[];
  readonly argv: readonly string[];
  /** Absolute, in the cell. */
  readonly workingDirectory: string;
  /** Environment of the workload, secrets not included. */
  readonly env: Readonly<Record<string, string>>;
  /** User and group in the cell, and the host's view of them; `hostUid` undefined: the invoker's own. */
  readonly user: { readonly uid: number; readonly gid: number; readonly hostUid?: number };
  readonly hostname: string;
  readonly mounts: readonly PlannedMount[];
  /** Sizes in bytes of the writable tmpfs folders. `work` absent when a workspace is mounted there. */
  readonly tmpfs: { readonly work?: number; readonly tmp: number };
  readonly workspace?: { readonly source: string; readonly target: string };
  readonly limits: { readonly memoryMaxBytes?: number; readonly pidsMax?: number; readonly cpuQuotaMicros?: number; readonly cpuPeriodMicros?: number };
  readonly cgroups: readonly PlannedCgroup[];
  /** `off`: only with `hostView`. `extra`: a program of the operator, loaded besides, base64. */
  readonly seccomp: { readonly profile: 'default' | 'off'; readonly arch: 'x64' | 'arm64'; readonly digest: Digest; readonly extra?: { readonly digest: Digest; readonly program: string } };
  /** Only in a cell of the profile `portable`: the host's file system and perhaps its network. `privateFolder` is an empty folder in the place of one of the host. */
  readonly hostView?: { readonly network: 'host' | 'own'; readonly umask: number; readonly hidden: readonly string[]; readonly privateFolder?: string };
  readonly time: { readonly ttlMs: number; readonly timeoutMs?: number; readonly graceMs: number };
  readonly output: { readonly keptBytesMax: number };
  readonly secrets: { readonly delivery: SecretDeliveryMode; readonly refs: readonly string[] };
  readonly artifacts: readonly { readonly name: string; readonly path: string; readonly target?: string }[];
  /** Host programs used, absolute. */
  readonly programs: { readonly bwrap: string; readonly helper: string };
}

/** What was probed of this host before planning. Plain facts, no decision. */
export interface HostFacts {
  readonly arch: 'x64' | 'arm64';
  readonly kernel: string;
  readonly euid: number;
  readonly egid: number;
  /** Can this process change to another uid, mount and write cgroups as root of the initial user namespace? */
  readonly privileged: boolean;
  readonly memoryTotalBytes: number;
  readonly cpus: number;
  readonly bwrap?: { readonly path: string };
  readonly helper?: { readonly path: string };
  /** undefined: user namespaces can be made; else the cause that forbids them, with the fix. */
  readonly usernsBlocked?: string;
  /** Writable groups this process may make children in, by controller. */
  readonly cgroups: readonly { readonly controller: CgroupController; readonly version: 1 | 2; readonly parent: string }[];
  /** Why a controller is missing, with the fix. */
  readonly cgroupNotes: Readonly<Partial<Record<CgroupController, string>>>;
  /** The supervisor's process id: the cell's host uid is derived from it. */
  readonly pid: number;
  readonly bootId: string;
}
