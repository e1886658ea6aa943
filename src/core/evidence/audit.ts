/**
 * The offline audit: files in, one verdict out. No network, no clock, no key but those the caller pins.
 *
 *   U1  a skipped check never ends in `complete`;
 *   U2  the first record that is wrong is named; what comes after it is not trusted;
 *   U3  every file is either checked by digest or makes the bundle `tampered` by being there.
 */
import type { Bytes } from '../../base/bytes.ts';
import { concatBytes } from '../../base/bytes.ts';
import { digestOf, sha256Stream } from '../../base/crypto.ts';
import { CellError, isCellError, messageOf } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { parseEnvelope, verifyEnvelope } from '../signing/envelope.ts';
import { type Keyset, verifyKeyset } from '../signing/keyset.ts';
import { type BadRecord, RecordAuditor } from './audit-records.ts';
import { BUNDLE, verifyAttestation } from './bundle.ts';

export const VERDICT_EXIT = {
  complete: 0,
  'complete-with-declared-gaps': 0,
  'incomplete-tail': 10,
  tampered: 11,
  'untrusted-key': 12,
  'stale-trust': 13,
  unsupported: 14,
  'authentic-unordered': 15,
} as const;
export type Verdict = keyof typeof VERDICT_EXIT;

/** Where the files of a bundle come from: a folder, a tar, memory. */
export interface BundleSource {
  list(): Promise<readonly string[]>;
  open(path: string): AsyncIterable<Bytes>;
}

export interface AuditReport {
  readonly verdict: Verdict;
  readonly exitCode: number;
  readonly runId?: string;
  readonly count: number;
  readonly head?: string;
  readonly outcome?: string;
  readonly firstBadRecord?: BadRecord;
  /** What was found wrong, or stands in the way; empty for `complete`. */
  readonly findings: readonly string[];
}

type ReportParts = Partial<{ -readonly [K in keyof AuditReport]: AuditReport[K] }>;

function report(verdict: Verdict, findings: readonly string[], parts: ReportParts = {}): AuditReport {
  return { count: 0, ...parts, verdict, exitCode: VERDICT_EXIT[verdict], findings };
}

async function readAll(source: BundleSource, path: string): Promise<Bytes> {
  const parts: Bytes[] = [];
  let size = 0;
  for await (const chunk of source.open(path)) {
    size += chunk.byteLength;
    if (size > LIMITS.documentSizeBytesMax) throw new CellError('evidence.invalid', `Cannot read ${path}: it is larger than ${LIMITS.documentSizeBytesMax} bytes`);
    parts.push(chunk);
  }
  return concatBytes(parts);
}

/** Yields lines without their newline; bounded memory. `complete` is false for what stands after the last newline. */
export async function* linesOf(chunks: AsyncIterable<Bytes>): AsyncGenerator<{ line: Bytes; complete: boolean }> {
  let rest: Bytes = new Uint8Array(0);
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      yield { line: rest.byteLength === 0 ? chunk.subarray(from, at) : concatBytes([rest, chunk.subarray(from, at)]), complete: true };
      rest = new Uint8Array(0);
      from = at + 1;
    }
    rest = concatBytes([rest, chunk.subarray(from)]);
    if (rest.byteLength > LIMITS.recordSizeBytesMax) throw new CellError('evidence.invalid', `Cannot read the records: a line is longer than ${LIMITS.recordSizeBytesMax} bytes`);
  }
  if (rest.byteLength > 0) yield { line: rest, complete: false };
}

async function auditRecords(source: BundleSource, auditor: RecordAuditor): Promise<{ torn: boolean; digest: string }> {
  const hash = sha256Stream();
  let torn = false;
  async function* counted(): AsyncGenerator<Bytes> {
    for await (const chunk of source.open(BUNDLE.records)) {
      hash.update(chunk);
      yield chunk;
    }
  }
  for await (const { line, complete } of linesOf(counted())) {
    if (complete) auditor.push(line);
    else torn = true;
  }
  return { torn, digest: hash.digest() };
}

function keysFor(keyset: Keyset, purpose: 'event' | 'bundle'): Map<string, Bytes> {
  return new Map(keyset.keys.filter((key) => key.purpose === purpose).map((key) => [key.kid, key.publicKey]));
}

async function checkFiles(source: BundleSource, listed: ReadonlyMap<string, string>, present: readonly string[], recordsDigest: string): Promise<string[]> {
  const findings: string[] = [];
  for (const path of present) if (path !== BUNDLE.attestation && !listed.has(path)) findings.push(`${path} is in the bundle, and the attestation does not know it`); // U3
  for (const [path, digest] of listed) {
    if (!present.includes(path)) {
      findings.push(`${path} is missing`);
      continue;
    }
    let seen = recordsDigest;
    if (path !== BUNDLE.records) {
      const hash = sha256Stream();
      for await (const chunk of source.open(path)) hash.update(chunk);
      seen = hash.digest();
    }
    if (seen !== digest) findings.push(`${path} is not the file that was attested`);
    if (path.startsWith(BUNDLE.artifacts) && path !== `${BUNDLE.artifacts}${digest.slice('sha256:'.length)}`) findings.push(`${path} does not have the name of its digest`);
  }
  return findings;
}

/** Audits a bundle. Never throws for what is in it; every defect is a finding. */
export async function auditBundle(source: BundleSource, trust: { roots: ReadonlyMap<string, Bytes> }): Promise<AuditReport> {
  try {
    return await audit(source, trust.roots);
  } catch (error) {
    if (isCellError(error, 'internal.bug')) throw error;
    return report('tampered', [messageOf(error)]);
  }
}

async function audit(source: BundleSource, roots: ReadonlyMap<string, Bytes>): Promise<AuditReport> {
  const present = await source.list();
  for (const path of [BUNDLE.records, BUNDLE.keyset]) if (!present.includes(path)) return report('tampered', [`${path} is missing`]);
  const keysetBytes = await readAll(source, BUNDLE.keyset);
  let keyset: Keyset;
  try {
    keyset = verifyKeyset(keysetBytes, roots);
  } catch (error) {
    const untrusted = isCellError(error) && error.facts['reason'] === 'untrusted';
    return report(untrusted ? 'untrusted-key' : 'tampered', [messageOf(error)]);
  }
  const auditor = new RecordAuditor(keysFor(keyset, 'event'));
  const { torn, digest } = await auditRecords(source, auditor);
  const parts: ReportParts = { count: auditor.count, head: auditor.head, ...(auditor.stream === undefined ? {} : { runId: auditor.stream }), ...(auditor.seal === undefined ? {} : { outcome: auditor.seal.outcome }) };
  if (auditor.firstBad !== undefined) {
    parts.firstBadRecord = auditor.firstBad;
    return report(auditor.unsupported ? 'unsupported' : 'tampered', [`Record ${auditor.firstBad.seq} (line ${auditor.firstBad.line}): ${auditor.firstBad.reason}`], parts);
  }
  if (auditor.count > 0 && auditor.keysetDigest !== digestOf(keysetBytes)) return report('tampered', ['The keyset is not the one the run began with'], parts);
  if (auditor.seal === undefined) {
    const end = torn ? 'the last line is torn' : 'there is no seal';
    if (present.includes(BUNDLE.attestation)) return report('tampered', [`The records were attested as ended, and ${end}`], { ...parts, firstBadRecord: { seq: auditor.count, line: auditor.count + 1, reason: 'the records end here without a seal' } });
    return report('incomplete-tail', [`The run has no end: ${end}; everything before it verifies`], parts);
  }
  if (torn) return report('tampered', ['Bytes stand after the seal'], { ...parts, firstBadRecord: { seq: auditor.count, line: auditor.count + 1, reason: 'bytes stand after the seal' } });
  if (!present.includes(BUNDLE.attestation)) return report('tampered', [`${BUNDLE.attestation} is missing`], parts);
  const attestation = verifyAttestation(await readAll(source, BUNDLE.attestation), keysFor(keyset, 'bundle'));
  const { predicate } = attestation;
  const findings = await checkFiles(source, attestation.files, present, digest);
  if (predicate.runId !== auditor.stream || predicate.count !== auditor.count || predicate.head !== auditor.head || predicate.outcome !== auditor.seal.outcome) findings.push('The attestation is about another run');
  if (findings.length > 0) return report('tampered', findings, parts);
  const gaps = auditor.withheld + auditor.seal.gaps;
  return gaps > 0 ? report('complete-with-declared-gaps', [`${auditor.withheld} events are withheld, ${auditor.seal.gaps} gaps are declared`], parts) : report('complete', [], parts);
}

/** JSON Lines of bare signed envelopes, or of the reference's wrapper events: authentic one by one, their order and number unproved. */
export async function auditEnvelopes(chunks: AsyncIterable<Bytes>, keys: ReadonlyMap<string, Bytes>): Promise<AuditReport> {
  let count = 0;
  for await (const { line } of linesOf(chunks)) {
    if (line.byteLength === 0) continue;
    try {
      const value = parseJson(line);
      const wrapped = isJsonObject(value) && isJsonObject(value['data']) && value['event'] === undefined ? value['data'] : value;
      verifyEnvelope(parseEnvelope(wrapped), { ed25519: keys });
      count += 1;
    } catch (error) {
      const untrusted = isCellError(error) && error.facts['reason'] === 'unknown-kid';
      const bad = { seq: count, line: count + 1, reason: messageOf(error) };
      return report(untrusted ? 'untrusted-key' : 'tampered', [`Line ${bad.line}: ${bad.reason}`], { count, firstBadRecord: bad });
    }
  }
  return report('authentic-unordered', [`${count} events are authentic; nothing proves their order, or that none is missing`], { count });
}
