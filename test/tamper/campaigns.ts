/**
 * Every small edit of a bundle, and what the audit has to say of it. Each campaign returns the variants it tried and the ones judged wrong.
 *
 * A record is read by a state machine that stops at its first bad line, so an edit in line k is judged by a machine that has read the k
 * lines before once (`RecordAuditor.fork`): thousands of variants a second. `auditedWhole` runs the same edits through the whole audit.
 */
import type { Bytes } from '../../src/base/bytes.ts';
import { digestOf } from '../../src/base/crypto.ts';
import { isCellError } from '../../src/base/errors.ts';
import { auditBundle, type AuditTrust, judgeRecords } from '../../src/core/evidence/audit.ts';
import type { AuditReport } from '../../src/core/evidence/audit-report.ts';
import { RecordAuditor } from '../../src/core/evidence/audit-records.ts';
import { BUNDLE, verifyAttestation } from '../../src/core/evidence/bundle.ts';
import { indexTar } from '../../src/core/evidence/tar.ts';
import { verifyKeysetFile } from '../../src/core/signing/keyset-chain.ts';
import { type Files, memoryBundle, sameFiles, tarOf, withFile } from './sample.ts';

export interface Campaign {
  readonly variants: number;
  /** One line each; empty when every variant was judged as it has to be. */
  readonly wrong: readonly string[];
}

/** Values a byte is changed to: a few telling ones, or all others. */
export type Values = 'telling' | 'all';

export function otherValues(byte: number, values: Values): number[] {
  const isLetter = (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122);
  const wanted = values === 'all' ? Array.from({ length: 256 }, (_, value) => value) : [byte ^ 1, byte ^ 0x80, 0, 32, ...(isLetter ? [byte ^ 32] : [])];
  return [...new Set(wanted)].filter((value) => value !== byte);
}

export function withByte(bytes: Bytes, at: number, value: number): Bytes {
  const copy = Uint8Array.from(bytes);
  copy[at] = value;
  return copy;
}

class Tally {
  variants = 0;
  readonly wrong: string[] = [];

  check(good: boolean, what: () => string): void {
    this.variants += 1;
    if (!good && this.wrong.length < 20) this.wrong.push(what());
  }
}

export function linesOfFile(files: Files): Bytes[] {
  const bytes = files.get(BUNDLE.records) ?? new Uint8Array();
  const lines: Bytes[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const end = bytes.indexOf(10, at) + 1;
    lines.push(bytes.subarray(at, end));
    at = end;
  }
  return lines;
}

interface Primed {
  readonly lines: readonly Bytes[];
  /** `readers[k]` has read the first k lines. */
  readonly readers: readonly RecordAuditor[];
  readonly keysetDigest: string;
}

function prime(files: Files, trust: AuditTrust): Primed {
  const keyset = files.get(BUNDLE.keyset) ?? new Uint8Array();
  const keys = verifyKeysetFile(keyset, [{ roots: trust.roots, threshold: 1 }]).history.head.keys.filter((key) => key.purpose === 'event');
  let reader = new RecordAuditor(new Map(keys.map((key) => [key.kid, key.publicKey])));
  const readers = [reader];
  const lines = linesOfFile(files);
  for (const line of lines) {
    reader = reader.fork();
    reader.push(line.subarray(0, -1));
    readers.push(reader);
  }
  return { lines, readers, keysetDigest: digestOf(keyset) };
}

const REFUSED = new Set(['tampered', 'unsupported']);

function names(report: AuditReport | undefined, seq: number): boolean {
  return report !== undefined && REFUSED.has(report.verdict) && report.firstBadRecord?.seq === seq && report.firstBadRecord.line === seq + 1;
}

/** Each byte of each record, newlines aside. */
export function changedRecordBytes(files: Files, trust: AuditTrust, values: Values): Campaign {
  const tally = new Tally();
  const { lines, readers, keysetDigest } = prime(files, trust);
  lines.forEach((line, k) => {
    const edited = Uint8Array.from(line.subarray(0, -1));
    edited.forEach((byte, at) => {
      for (const value of otherValues(byte, values)) {
        if (value === 10) continue; // a new line: audited whole below
        edited[at] = value;
        const reader = (readers[k] as RecordAuditor).fork();
        reader.push(edited);
        tally.check(names(judgeRecords(reader, { torn: false, attested: true, keysetDigest }), k), () => `record ${k}, byte ${at} to ${value}: ${JSON.stringify(reader.firstBad)}`);
      }
      edited[at] = byte;
    });
  });
  return tally;
}

/** The records cut at each byte, with the attestation still there and without. */
export function cutTails(files: Files, trust: AuditTrust): Campaign {
  const tally = new Tally();
  const { lines, readers, keysetDigest } = prime(files, trust);
  lines.forEach((line, k) => {
    for (let kept = 0; kept < line.byteLength; kept += 1) {
      for (const attested of [true, false]) {
        const report = judgeRecords((readers[k] as RecordAuditor).fork(), { torn: kept > 0, attested, keysetDigest });
        tally.check(attested ? names(report, k) && report?.verdict === 'tampered' : report?.verdict === 'incomplete-tail', () => `cut ${kept} bytes into record ${k}, attested ${attested}: ${report?.verdict}`);
      }
    }
  });
  return tally;
}

/** Lines removed, repeated, swapped, and taken from another run, at every place. The first line that differs is the bad one. */
export async function movedLines(files: Files, other: Files, trust: AuditTrust): Promise<Campaign> {
  const tally = new Tally();
  const lines = linesOfFile(files);
  const foreignLines = linesOfFile(other);
  const [foreignGenesis] = foreignLines;
  const judge = async (edited: readonly Bytes[], what: string): Promise<void> => {
    const differs = edited.findIndex((line, i) => line !== lines[i]);
    // Behind the genesis of another run it is that run's bundle, and the record after it is the one that does not belong.
    const foreignStart = differs === 0 && edited[0] === foreignGenesis;
    const expected = foreignStart ? 1 : differs < 0 ? edited.length : differs;
    for (const attested of [true, false]) {
      const bundle = withFile(files, BUNDLE.records, Buffer.concat(edited));
      const report = await auditBundle(memoryBundle(attested ? bundle : withFile(bundle, BUNDLE.attestation, undefined)), trust);
      const unfinished = !attested && differs < 0 && edited.length < lines.length && report.verdict === 'incomplete-tail';
      tally.check(unfinished || names(report, expected), () => `${what}, attested ${attested}: ${report.verdict} ${JSON.stringify(report.firstBadRecord)}, expected ${expected}`);
    }
  };
  for (let i = 0; i < lines.length; i += 1) {
    await judge(lines.filter((_, at) => at !== i), `without record ${i}`);
    for (let j = 0; j <= lines.length; j += 1) await judge([...lines.slice(0, j), lines[i] as Bytes, ...lines.slice(j)], `record ${i} again at ${j}`);
    for (let j = i + 1; j < lines.length; j += 1) await judge(lines.map((line, at) => (at === i ? (lines[j] as Bytes) : at === j ? (lines[i] as Bytes) : line)), `records ${i} and ${j} swapped`);
  }
  for (const [from, foreign] of foreignLines.entries()) {
    for (let at = 0; at <= lines.length; at += 1) {
      await judge([...lines.slice(0, at), foreign, ...lines.slice(at)], `record ${from} of another run put in at ${at}`);
      if (at < lines.length) await judge([...lines.slice(0, at), foreign, ...lines.slice(at + 1)], `record ${from} of another run in place of ${at}`);
    }
  }
  return tally;
}

/** Each byte of every other file; the attestation by its own verifier, which the audit calls after the records. */
export async function changedFileBytes(files: Files, trust: AuditTrust, values: Values): Promise<Campaign> {
  const tally = new Tally();
  const bundleKeys = new Map(verifyKeysetFile(files.get(BUNDLE.keyset) ?? new Uint8Array(), [{ roots: trust.roots, threshold: 1 }]).history.head.keys.filter((key) => key.purpose === 'bundle').map((key) => [key.kid, key.publicKey]));
  for (const [path, bytes] of files) {
    if (path === BUNDLE.records) continue;
    for (const [at, byte] of bytes.entries()) {
      for (const value of otherValues(byte, values)) {
        const edited = withByte(bytes, at, value);
        if (path === BUNDLE.attestation) {
          tally.check(throwsCellError(() => verifyAttestation(edited, bundleKeys)), () => `${path}, byte ${at} to ${value}: accepted`);
          continue;
        }
        const { verdict } = await auditBundle(memoryBundle(withFile(files, path, edited)), trust);
        tally.check(verdict === 'tampered' || (path === BUNDLE.keyset && verdict === 'untrusted-key'), () => `${path}, byte ${at} to ${value}: ${verdict}`);
      }
    }
  }
  return tally;
}

function throwsCellError(action: () => unknown): boolean {
  try {
    action();
    return false;
  } catch (error) {
    if (!isCellError(error)) throw error;
    return true;
  }
}

/** Edits through the whole audit: every `stride`th byte of every file changed, and every `stride`th length of the records. */
export async function auditedWhole(files: Files, trust: AuditTrust, stride: number): Promise<Campaign> {
  const tally = new Tally();
  const judge = async (edited: Files, what: string): Promise<void> => {
    const { verdict, exitCode } = await auditBundle(memoryBundle(edited), trust);
    tally.check(verdict !== 'complete' && exitCode >= 10, () => `${what}: ${verdict}`);
  };
  for (const [path, bytes] of files) {
    for (let at = 0; at < bytes.byteLength; at += stride) for (const value of [(bytes[at] ?? 0) ^ 1, 10]) if (value !== bytes[at]) await judge(withFile(files, path, withByte(bytes, at, value)), `${path}, byte ${at} to ${value}`);
    if (path === BUNDLE.records) for (let kept = 0; kept < bytes.byteLength; kept += stride) await judge(withFile(files, path, bytes.subarray(0, kept)), `${path} cut to ${kept}`);
  }
  for (const [k, line] of linesOfFile(files).entries()) {
    const before = linesOfFile(files).slice(0, k + 1).reduce((sum, one) => sum + one.byteLength, 0);
    for (const value of otherValues(10, 'telling')) await judge(withFile(files, BUNDLE.records, withByte(files.get(BUNDLE.records) as Bytes, before - 1, value)), `newline of record ${k} (${line.byteLength} bytes) to ${value}`);
  }
  return tally;
}

/** Files missing, renamed, added, and exchanged with those of another run under the same keys. */
export async function exchangedFiles(files: Files, other: Files, trust: AuditTrust): Promise<Campaign> {
  const tally = new Tally();
  const judge = async (edited: Files, what: string, accepted: readonly string[] = ['tampered']): Promise<void> => {
    const report = await auditBundle(memoryBundle(edited), trust);
    tally.check(accepted.includes(report.verdict) && report.findings.length > 0, () => `${what}: ${report.verdict}`);
  };
  for (const [path, bytes] of files) {
    const unfinished = path === BUNDLE.attestation ? ['incomplete-tail'] : ['tampered'];
    await judge(withFile(files, path, undefined), `without ${path}`, unfinished);
    await judge(withFile(withFile(files, path, undefined), `${path}.old`, bytes), `${path} renamed`, unfinished);
    await judge(withFile(files, path, new Uint8Array()), `${path} emptied`);
    await judge(withFile(files, `${path}.copy`, bytes), `${path} twice`);
  }
  await judge(withFile(files, 'artifacts/extra', new Uint8Array()), 'an artifact more');
  await judge(withFile(files, 'extra/', new Uint8Array()), 'a folder more');
  const paths = [...new Set([...files.keys(), ...other.keys()])];
  for (let set = 1; set < 2 ** paths.length; set += 1) {
    const mixed = new Map<string, Bytes>();
    paths.forEach((path, i) => {
      const bytes = ((set >> i) & 1 ? other : files).get(path);
      if (bytes !== undefined) mixed.set(path, bytes);
    });
    if (sameFiles(mixed, files) || sameFiles(mixed, other)) continue;
    await judge(mixed, `taken from the other run: ${paths.filter((_, i) => (set >> i) & 1).join(', ')}`, mixed.has(BUNDLE.attestation) ? ['tampered'] : ['tampered', 'incomplete-tail']);
  }
  return tally;
}

function untar(archive: Bytes): Files {
  const index = indexTar({ size: archive.byteLength, read: (offset, size) => archive.subarray(offset, offset + size) });
  return new Map([...index].map(([path, { offset, size }]) => [path, archive.subarray(offset, offset + size)]));
}

/** The archive: what is not content has one spelling, so each changed byte of it is refused; a cut may only take zero blocks off the end. */
export function changedArchive(files: Files, values: Values): Campaign {
  const tally = new Tally();
  const archive = Uint8Array.from(tarOf(files));
  const content = [...indexTar({ size: archive.byteLength, read: (offset, size) => archive.subarray(offset, offset + size) }).values()];
  for (let at = 0; at < archive.byteLength; at += 1) {
    if (content.some((entry) => at >= entry.offset && at < entry.offset + entry.size)) continue; // the bytes of a file: judged as such
    const byte = archive[at] ?? 0;
    for (const value of otherValues(byte, values)) {
      archive[at] = value;
      tally.check(throwsCellError(() => untar(archive)), () => `archive byte ${at} to ${value}: accepted`);
    }
    archive[at] = byte;
  }
  for (let kept = 0; kept < archive.byteLength; kept += 1) tally.check(throwsCellError(() => untar(archive.subarray(0, kept))), () => `archive cut to ${kept}: accepted`);
  for (let more = 1; more <= 1024; more += 1) {
    const padded = Buffer.concat([archive, Buffer.alloc(more)]);
    tally.check(more % 512 === 0 ? sameFiles(untar(padded), files) : throwsCellError(() => untar(padded)), () => `archive with ${more} zeros more`);
    padded[padded.byteLength - 1] = 1;
    tally.check(throwsCellError(() => untar(padded)), () => `archive with ${more} bytes more: accepted`);
  }
  return tally;
}
