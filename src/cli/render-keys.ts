/** Keys as people compare them. Pure. */
import { type Style, table, visible } from './render.ts';

export interface KeyRow {
  readonly purpose: 'root' | 'event' | 'bundle' | 'trusted';
  readonly kid: string;
  readonly algorithm: string;
  /** SHA-256 of the public key. */
  readonly fingerprint: string;
  readonly publicKey: string;
}

const ABOUT = { root: 'signs keysets', event: 'signs events', bundle: 'signs bundles', trusted: "another host's root" } as const;

export function keyTable(rows: readonly KeyRow[], options: { width: number; style: Style }): string[] {
  return table(
    [{ title: 'KEY', paint: (text, row) => (rows[row]?.purpose === 'root' ? options.style.bold(text) : text) }, { title: 'ID' }, { title: 'FINGERPRINT', shrinkTo: 20 }, { title: 'WHAT FOR', optional: true }, { title: 'ALGORITHM', optional: true }],
    rows.map((row) => [row.purpose, visible(row.kid), row.fingerprint, ABOUT[row.purpose], row.algorithm]),
    options,
  );
}
