/**
 * What the caller asks beside the document: the options of `cellos run` and of `Cell.create`, with host paths already resolved.
 * A document's own limits win over these (product.md, "Default cell").
 */

/** A host path the caller wants to see in the cell. */
export interface AskedMount {
  readonly kind: 'ro' | 'rw';
  /** Absolute, symlinks resolved. */
  readonly source: string;
  /** Absolute, in the cell. */
  readonly target: string;
  /** Owner of `source`. */
  readonly owner: { readonly uid: number; readonly gid: number };
}

export interface RunAsks {
  readonly mounts: readonly AskedMount[];
  readonly workspace?: { readonly source: string; readonly owner: { readonly uid: number; readonly gid: number } };
  /** Added to the cell's environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly memoryMaxBytes?: number;
  /** Whole or fractional processors, > 0. */
  readonly cpus?: number;
  readonly pidsMax?: number;
  /** Items that may be weaker than asked, by the plan's own names. */
  readonly allowDowngrade: readonly string[];
  /** Names of the secret sources given on the command line. */
  readonly secretSources: readonly string[];
  /** Is there a local folder for artifacts without a target? */
  readonly localExport: boolean;
  /** The whole environment of the command but for its secrets; without it the default one and `env`. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly hostView?: HostView;
  /** Things of the document that the caller sees to, by the plan's own names, and how: `authority.derivation`, `export.target.NAME`. */
  readonly settled?: ReadonlyMap<string, string>;
  /** `off` only together with `hostView`. */
  readonly seccomp?: { readonly profile: 'default' | 'off'; /** A classic BPF program that is loaded besides. */ readonly extra?: Uint8Array };
  /** Processor time of every period, exact; goes before `cpus`. */
  readonly cpuMax?: { readonly quotaMicros: number; readonly periodMicros: number };
}

export const NO_ASKS: RunAsks = { mounts: [], env: {}, allowDowngrade: [], secretSources: [], localExport: false };

/**
 * The weaker cell of the supervisor's profile `portable`, which has to be asked for by that name: the host's own file system, as far as the
 * invoking user reaches it without any capability, and the host's network unless that is kept out.
 */
export interface HostView {
  readonly network: 'host' | 'own';
  /** Absolute, links resolved: where a relative working directory begins. */
  readonly directory: string;
  /** Host folders that are empty in the cell: the state of CellOS with its keys. */
  readonly hidden: readonly string[];
  /** Put an empty writable folder in the place of the working directory. */
  readonly privateFolder: boolean;
  /** Of who asks, for the files that the command makes on the host. */
  readonly umask: number;
}

/** Default limits of a cell (product.md). */
export const DEFAULTS = {
  pidsMax: 512,
  workBytes: 1024 * 1024 * 1024,
  tmpBytes: 256 * 1024 * 1024,
  ttlSeconds: 3600,
  cpuPeriodMicros: 100_000,
  /** Used when the document names none: the reference's path, then the common ones, then the cell's own helpers. */
  path: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/cellos/bin',
  uid: 1000,
  gid: 1000,
  hostname: 'cell',
  workDirectory: '/work',
} as const;
