/** Audits evidence of this host or of another, offline, with the root keys the caller pins or this host trusts. */
import { existsSync } from 'node:fs';
import { bundleAt, folderBundle } from '../adapters/os/bundle-files.ts';
import type { StateFolder } from '../adapters/store/state.ts';
import { type Bytes, concatBytes } from '../base/bytes.ts';
import { ignore } from '../base/errors.ts';
import { type AuditReport, type AuditTrust, auditBundle, auditEnvelopes, type BundleSource } from '../core/evidence/audit.ts';
import { BUNDLE } from '../core/evidence/bundle.ts';
import { verifyKeyset } from '../core/signing/keyset.ts';
import { hasKeys, openKeys, trustedKeys, trustFileAt } from './host-keys.ts';

export interface Trust {
  readonly roots: ReadonlyMap<string, Bytes>;
  /** kid → key that may sign bare events, which carry no keyset: the roots, and the event key of this host. */
  readonly signers: ReadonlyMap<string, Bytes>;
  /** kid → where it was taken from: `this host`, `cellos keys trust`, or a file. */
  readonly from: ReadonlyMap<string, string>;
}

/** The keys in `files` and no others; without files, those of this host and those it was told to trust. Makes no keys. */
export function trustOf(files: readonly string[], state: () => StateFolder): Trust {
  const roots = new Map<string, Bytes>();
  const from = new Map<string, string>();
  const add = (keys: ReadonlyMap<string, Bytes>, source: string): void => {
    for (const [kid, key] of keys) {
      roots.set(kid, key);
      from.set(kid, source);
    }
  };
  if (files.length > 0) {
    for (const file of files) add(trustFileAt(file), file);
    return { roots, signers: roots, from };
  }
  const folder = state();
  add(trustedKeys(folder), 'cellos keys trust');
  if (hasKeys(folder)) {
    const { root, event } = openKeys(folder);
    add(new Map([[root.kid, root.publicKey]]), 'this host');
    return { roots, signers: new Map([...roots, [event.kid, event.publicKey]]), from };
  }
  return { roots, signers: roots, from };
}

export interface Audited {
  readonly report: AuditReport;
  /** The trusted root key that the keyset is signed with; undefined when it is signed with none of them. */
  readonly root?: { readonly kid: string; readonly from: string };
}

async function rootOf(source: BundleSource, trust: Trust): Promise<Audited['root']> {
  try {
    const parts: Bytes[] = [];
    for await (const chunk of source.open(BUNDLE.keyset)) parts.push(chunk);
    const { rootKid } = verifyKeyset(concatBytes(parts), trust.roots);
    return { kid: rootKid, from: trust.from.get(rootKid) ?? '?' };
  } catch (error) {
    ignore(error, 'the report says what is wrong with the keyset');
    return undefined;
  }
}

/** @throws CellError `run.unknown` when nothing is there */
export async function auditAt(path: string, trust: Trust, freshness: Omit<AuditTrust, 'roots'> = {}): Promise<Audited> {
  const found = bundleAt(path);
  if (found.kind === 'jsonl') return { report: await auditEnvelopes(found.chunks, trust.signers) };
  const report = await auditBundle(found.source, { roots: trust.roots, ...freshness });
  const root = await rootOf(found.source, trust);
  return { report, ...(root === undefined ? {} : { root }) };
}

export function isThere(path: string): boolean {
  return existsSync(path);
}

/** Audits a bundle of this host. @param roots kid → public key to trust; default: this host's own */
export function auditHere(state: StateFolder, path: string, roots?: ReadonlyMap<string, Bytes>): Promise<AuditReport> {
  const { root } = openKeys(state);
  return auditBundle(folderBundle(path), { roots: roots ?? new Map([[root.kid, root.publicKey]]) });
}
