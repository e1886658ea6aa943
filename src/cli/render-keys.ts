/** Keys as people compare them. Pure. */
import type { RotationStep } from '../core/signing/rotation.ts';
import { type Style, table, visible } from './render.ts';

export interface KeyRow {
  readonly purpose: 'root' | 'event' | 'checkpoint' | 'bundle' | 'trusted';
  readonly state: string;
  readonly kid: string;
  readonly algorithm: string;
  /** SHA-256 of the public key. */
  readonly fingerprint: string;
  readonly publicKey: string;
  /** Position from which on nothing counts. */
  readonly until?: string;
}

const ABOUT = { root: 'signs keysets', event: 'signs events', checkpoint: 'signs heads of logs', bundle: 'signs bundles', trusted: "another host's root" } as const;

export function keyTable(rows: readonly KeyRow[], options: { width: number; style: Style }): string[] {
  return table(
    [{ title: 'KEY', paint: (text, row) => (rows[row]?.purpose === 'root' ? options.style.bold(text) : text) }, { title: 'STATE' }, { title: 'ID' }, { title: 'FINGERPRINT', shrinkTo: 20 }, { title: 'WHAT FOR', optional: true }, { title: 'ALGORITHM', optional: true }],
    rows.map((row) => [row.purpose, visible(row.state), visible(row.kid), row.fingerprint, row.until === undefined ? ABOUT[row.purpose] : `nothing from ${visible(row.until)} on`, row.algorithm]),
    options,
  );
}

/** What `cellos keys rotate` does next. */
export const STEP_NEXT: Readonly<Record<RotationStep, string>> = {
  announce: 'announces new keys, which do not count yet',
  accept: 'makes the announced keys count, beside those that sign',
  switch: 'signs with the new keys from the next run on, and lets the old ones retire',
  retire: 'retires the old keys: what they signed until then goes on counting',
};

export const STEP_DONE: Readonly<Record<RotationStep, string>> = {
  announce: 'New keys are announced; they do not count yet',
  accept: 'The announced keys count now, beside those that sign',
  switch: 'The new keys sign from the next run on; the private halves of the old ones are gone from this host',
  retire: 'The old keys are retired: what they signed until now goes on counting, nothing later does',
};
