/**
 * Folders that are shown to no cell, whoever asks.
 *
 *   V1  the keys of this host, and evidence that a cell could change;
 *   V2  folders with a socket of the host in them: a socket answers whoever reaches it, and a read-only mount does not change that. The
 *       socket itself may be named: then it is meant. A workspace is an overlay, through which no socket is reached.
 *
 * LIMIT: a socket made after the start is not seen, nor one of a server in another network namespace.
 */
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { CellError } from '../base/errors.ts';
import type { PlannedMount } from '../core/plan/plan.ts';

/** Of a path that need not exist yet: symlinks on the way are resolved as far as it does. */
function realPathOf(path: string): string {
  const absolute = resolve(path);
  return existsSync(absolute) ? realpathSync(absolute) : beneath(realPathOf(dirname(absolute)), basename(absolute));
}

const beneath = (folder: string, name: string): string => (folder === '/' ? `/${name}` : `${folder}/${name}`);
const within = (path: string, folder: string): boolean => path === folder || path.startsWith(beneath(folder, ''));

export interface OwnPlaces {
  readonly state: string;
  /** Where the evidence of this run goes, when not into the state folder. */
  readonly evidence?: string;
  /** Paths of sockets that are bound on this host. */
  readonly sockets: readonly string[];
}

/** @throws CellError `usage.invalid` */
export function refuseUnsafeMounts(mounts: readonly PlannedMount[], own: OwnPlaces): void {
  if (mounts.length === 0) return;
  const state = realPathOf(own.state);
  const evidence = own.evidence === undefined ? undefined : realPathOf(own.evidence);
  for (const { kind, source } of mounts) {
    const refuse = (what: string, remedy: string): never => {
      throw new CellError('usage.invalid', `Cannot show ${source} to the cell: it holds ${what}; ${remedy}`, { facts: { source } });
    };
    const remedy = 'show a narrower folder, or keep that elsewhere';
    if (within(state, source) || ['keys', 'live', 'scratch'].some((name) => within(source, `${state}/${name}`))) refuse(`the state of CellOS with its keys (${state})`, remedy); // V1
    if (kind === 'rw' && within(source, state)) refuse(`evidence of CellOS (${state})`, remedy);
    if (kind === 'rw' && evidence !== undefined && (within(evidence, source) || within(source, evidence))) refuse(`the evidence of this run (${evidence})`, remedy);
    const socket = kind === 'workspace' ? undefined : own.sockets.map(realPathOf).find((path) => path !== source && within(path, source) && existsSync(path));
    if (socket !== undefined) refuse(`a socket of this host (${socket}), which the cell could talk to even when it is shown read-only`, 'show a narrower folder, or the socket itself if that is meant'); // V2
  }
}
