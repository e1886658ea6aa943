/**
 * The offline audit: files in, one verdict out. No network, no clock, no key but those the caller pins.
 *
 *   U1  a skipped check never ends in `complete`;
 *   U2  the first record that is wrong is named; what comes after it is not trusted;
 *   U3  every file is either checked by digest or makes the bundle `tampered` by being there;
 *   U4  an end that is not there is `incomplete-tail`, as a killed supervisor leaves it; what was attested and is not so is `tampered`;
 *   U5  a withheld event is a gap that its record declares: header, salt and digest stand, and the attested head covers them;
 *   U6  what is missing is declared twice, by the seal and by the attestation, as whole numbers that agree;
 *   U7  genesis and seal are the host's own words. LIMIT: the headers of other records (tier, order, absence) are proved by the seal alone: without
 *       one, each event is authentic, and whoever could write to the bundle could have left some out, moved them, or named another tier;
 *   U8  keys are judged by the keyset the run began under and by the newest one known: what a later revocation cuts is `untrusted-key`, what
 *       stands before it is as good as ever, and a keyset that the verifier has moved on from is no reason to doubt what was signed under it.
 *   U9  a policy decision is made again from what its record holds: one that comes out otherwise is a signed lie, and so is a run that went on after a refusal;
 *   U10 a run whose genesis names the log of its host is proved to be in it, from its first record to its seal, by a checkpoint that goes on from the
 *       one the run found.
 */
import type { Bytes } from '../../base/bytes.ts';
import { concatBytes } from '../../base/bytes.ts';
import { digestOf, sha256Stream } from '../../base/crypto.ts';
import { CellError, isCellError, messageOf } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { isUtcTime } from '../signing/keyset.ts';
import { type TrustPin, verifyKeysetFile } from '../signing/keyset-chain.ts';
import { KeyTrust } from '../signing/key-trust.ts';
import { RecordAuditor } from './audit-records.ts';
import { type AuditReport, isDefect, linesOf, report, type ReportParts, type Verdict } from './audit-report.ts';
import { BUNDLE, verifyAttestation } from './bundle.ts';
import { type LogPlace, verifyLogProofs } from './log-proof.ts';

/** Where the files of a bundle come from: a folder, a tar, memory. */
export interface BundleSource {
  list(): Promise<readonly string[]>;
  open(path: string): AsyncIterable<Bytes>;
}

/** What the auditor relies on. Nothing of it is read from the bundle. */
export interface AuditTrust {
  /** kid → raw Ed25519 public key of roots that may sign a keyset; one of them is enough, unless the keyset asks for more. */
  readonly roots: ReadonlyMap<string, Bytes>;
  /** Roots that belong together, with their threshold and the newest keysets known of them. */
  readonly pins?: readonly TrustPin[];
  /** Keysets of an earlier epoch are stale: the auditor knows of a newer one. */
  readonly epochMin?: number;
  /** Time of the audit, RFC 3339 in UTC: a keyset that has run out by then is stale. */
  readonly at?: string;
}

/** A document of a bundle, whole. @throws CellError `evidence.invalid` for one that is larger than documents are */
export async function readDocument(source: BundleSource, path: string): Promise<Bytes> {
  const parts: Bytes[] = [];
  let size = 0;
  for await (const chunk of source.open(path)) {
    size += chunk.byteLength;
    if (size > LIMITS.documentSizeBytesMax) throw new CellError('evidence.invalid', `Cannot read ${path}: it is larger than ${LIMITS.documentSizeBytesMax} bytes`);
    parts.push(chunk);
  }
  return concatBytes(parts);
}

interface RecordsRead {
  readonly auditor: RecordAuditor;
  /** Bytes stand after the last newline. */
  readonly torn: boolean;
  readonly digest: string;
}

async function readRecords(source: BundleSource, auditor: RecordAuditor): Promise<RecordsRead> {
  const hash = sha256Stream();
  let torn = false;
  let size = 0;
  async function* counted(): AsyncGenerator<Bytes> {
    for await (const chunk of source.open(BUNDLE.records)) {
      size += chunk.byteLength;
      if (size > LIMITS.recordsSizeBytesMax) throw new CellError('evidence.invalid', `Cannot read the records: they are longer than ${LIMITS.recordsSizeBytesMax} bytes`);
      hash.update(chunk);
      yield chunk;
    }
  }
  try {
    for await (const { line, complete } of linesOf(counted())) {
      if (complete) auditor.push(line);
      else torn = true;
    }
  } catch (error) {
    if (!isDefect(error)) throw error;
    auditor.refuse(messageOf(error));
  }
  return { auditor, torn, digest: hash.digest() };
}

/** @param digests of files that were read already */
async function checkFiles(source: BundleSource, listed: ReadonlyMap<string, string>, present: readonly string[], digests: ReadonlyMap<string, string>): Promise<string[]> {
  const findings: string[] = [];
  for (const path of present) if (path !== BUNDLE.attestation && !listed.has(path)) findings.push(`${path} is in the bundle, and the attestation does not know it`); // U3
  for (const [path, digest] of listed) {
    if (!present.includes(path)) {
      findings.push(`${path} is missing`);
      continue;
    }
    let seen = digests.get(path);
    if (seen === undefined) {
      const hash = sha256Stream();
      for await (const chunk of source.open(path)) hash.update(chunk);
      seen = hash.digest();
    }
    if (seen !== digest) findings.push(`${path} is not the file that was attested`);
    if (path.startsWith(BUNDLE.artifacts) && path !== `${BUNDLE.artifacts}${digest.slice('sha256:'.length)}`) findings.push(`${path} does not have the name of its digest`);
  }
  return findings;
}

/** Audits a bundle; every defect of it is a finding. @throws only what the source throws when it cannot read */
export async function auditBundle(source: BundleSource, trust: AuditTrust): Promise<AuditReport> {
  try {
    return await audit(source, trust);
  } catch (error) {
    if (!isDefect(error)) throw error;
    return report('tampered', [messageOf(error)]);
  }
}

function partsOf(auditor: RecordAuditor): ReportParts {
  const { count, head, stream, seal, firstBad } = auditor;
  return {
    count,
    head,
    ...(stream === undefined ? {} : { runId: stream }),
    ...(seal === undefined ? {} : { outcome: seal.outcome }),
    ...(firstBad === undefined ? {} : { firstBadRecord: firstBad }),
  };
}

/** Judges the records alone. @returns undefined when they are whole up to their seal: then the files are next. */
export function judgeRecords(auditor: RecordAuditor, seen: { torn: boolean; attested: boolean; keysetDigest: string }): AuditReport | undefined {
  const { firstBad, unsupported, untrusted, seal, count } = auditor;
  if (firstBad !== undefined) return report(unsupported ? 'unsupported' : untrusted ? 'untrusted-key' : 'tampered', [`Record ${firstBad.seq} (line ${firstBad.line}): ${firstBad.reason}`], partsOf(auditor));
  if (count > 0 && auditor.keysetDigest !== seen.keysetDigest) return report('tampered', ['The keyset is not the one the run began with'], partsOf(auditor));
  const refuse = (finding: string, reason: string): AuditReport => {
    auditor.refuse(reason);
    return report('tampered', [finding], partsOf(auditor));
  };
  if (seal !== undefined) return seen.torn ? refuse('Bytes stand after the seal', 'bytes stand after the seal') : undefined;
  const end = seen.torn ? 'the last line is torn' : 'there is no seal';
  if (seen.attested) return refuse(`The records were attested as ended, and ${end}`, 'the records end here without a seal'); // U4
  return report('incomplete-tail', [`The run has no end: ${end}; everything before it verifies`], partsOf(auditor));
}

/** Why the keyset no longer counts, though a trusted root signed it. */
function staleness({ own, newest, epochSeen }: KeyTrust, trust: AuditTrust, lastTime: string | undefined): string | undefined {
  const { epoch } = newest.head;
  if (epochSeen !== undefined && epoch < epochSeen) return `The newest keyset at hand is of epoch ${epoch}, and epoch ${epochSeen} was seen: get a newer trust file`;
  if (trust.epochMin !== undefined && epoch < trust.epochMin) return `The newest keyset known is of epoch ${epoch}; epoch ${trust.epochMin} or later is asked for`;
  // Compared to the second; both are UTC, so text order is time order.
  const after = (time: string, end: string): boolean => time.slice(0, 19) > end.slice(0, 19);
  const { notAfter } = own.head;
  if (notAfter !== undefined && (lastTime === undefined || !isUtcTime(lastTime) || after(lastTime, notAfter))) return `The keyset had run out (${notAfter}) when the run ended (${lastTime ?? 'at no known time'})`;
  const end = newest.head.notAfter;
  if (trust.at !== undefined && end !== undefined && after(trust.at, end)) return `The keyset has run out: it was good until ${end}`;
  return undefined;
}

/** Verdicts that a stale keyset does not soften. */
const REFUSED: ReadonlySet<Verdict> = new Set(['tampered', 'untrusted-key', 'unsupported']);

const UNTRUSTED: readonly unknown[] = ['untrusted', 'fork', 'rollback'];

async function audit(source: BundleSource, trust: AuditTrust): Promise<AuditReport> {
  const present = await source.list();
  const attested = present.includes(BUNDLE.attestation);
  const missing = [BUNDLE.records, BUNDLE.keyset].find((path) => !present.includes(path));
  if (missing !== undefined) {
    const begun = attested || (present.includes(BUNDLE.records) && (await holdsBytes(source, BUNDLE.records)));
    return begun ? report('tampered', [`${missing} is missing`]) : report('incomplete-tail', ['There is no record: the run never began']); // U4
  }
  const keysetBytes = await readDocument(source, BUNDLE.keyset);
  let keys: KeyTrust;
  try {
    const { history, pin } = verifyKeysetFile(keysetBytes, [...(trust.pins ?? []), { roots: trust.roots, threshold: 1 }]);
    keys = new KeyTrust(history, pin);
  } catch (error) {
    if (!isDefect(error)) throw error;
    const untrusted = isCellError(error) && UNTRUSTED.includes(error.facts['reason']);
    return report(untrusted ? 'untrusted-key' : 'tampered', [messageOf(error)]);
  }
  const records = await readRecords(source, new RecordAuditor(keys.keysFor('event'), (kid, position) => keys.refusalOf(kid, position)));
  const keysetDigest = digestOf(keysetBytes);
  const verdict = judgeRecords(records.auditor, { torn: records.torn, attested, keysetDigest }) ?? (await judgeFiles(source, { present, attested, keys, keysetDigest, records }));
  if (REFUSED.has(verdict.verdict)) return verdict;
  const stale = staleness(keys, trust, records.auditor.lastTime);
  return stale === undefined ? verdict : report('stale-trust', [stale], partsOf(records.auditor));
}

async function holdsBytes(source: BundleSource, path: string): Promise<boolean> {
  for await (const chunk of source.open(path)) if (chunk.byteLength > 0) return true;
  return false;
}

interface FilesSeen {
  readonly present: readonly string[];
  readonly attested: boolean;
  readonly keys: KeyTrust;
  readonly keysetDigest: string;
  readonly records: RecordsRead;
}

/** U10. @returns what is wrong; else where the run stands, and who signed that */
async function judgeLog(source: BundleSource, files: ReadonlyMap<string, string>, { keys, records: { auditor } }: FilesSeen): Promise<{ findings: string[]; place?: LogPlace }> {
  const { anchor, count, ends } = auditor;
  const missing = [BUNDLE.checkpoint, BUNDLE.proofs].filter((path) => !files.has(path));
  if (anchor === undefined) return { findings: missing.length === 2 ? [] : ['The genesis names no log, and there is a proof of one'] };
  if (missing.length > 0) return { findings: missing.map((path) => `The run is in a log of its host, and the attestation does not cover ${path}`) };
  try {
    const { place } = verifyLogProofs({ note: await readDocument(source, BUNDLE.checkpoint), proofs: await readDocument(source, BUNDLE.proofs) }, { anchor, count, ...ends }, keys.keysFor('checkpoint'));
    return { findings: [], place };
  } catch (error) {
    if (!isDefect(error)) throw error;
    return { findings: [messageOf(error)] };
  }
}

/** Holds the attestation against the sealed records and against every file. */
async function judgeFiles(source: BundleSource, seen: FilesSeen): Promise<AuditReport> {
  const { auditor, digest } = seen.records;
  const { seal, withheld, count, head, stream } = auditor;
  const parts = partsOf(auditor);
  if (!seen.attested || seal === undefined) return report('incomplete-tail', [`${BUNDLE.attestation} is missing: the records verify up to their seal, the other files are not proved`], parts);
  const { kid, files, predicate } = verifyAttestation(await readDocument(source, BUNDLE.attestation), seen.keys.keysFor('bundle'));
  const digests = new Map([[BUNDLE.keyset as string, seen.keysetDigest]]);
  // U5: without a withheld event the file is the one attested, byte for byte; with one it is what head and count prove it to be.
  digests.set(BUNDLE.records, withheld.length === 0 ? digest : (files.get(BUNDLE.records) ?? digest));
  const findings = await checkFiles(source, files, seen.present, digests);
  for (const path of [BUNDLE.records, BUNDLE.keyset]) if (!files.has(path)) findings.push(`The attestation does not cover ${path}`);
  if (predicate.runId !== stream || predicate.count !== count || predicate.head !== head || predicate.outcome !== seal.outcome) findings.push('The attestation is about another run');
  const logged = await judgeLog(source, files, seen);
  findings.push(...logged.findings);
  if (predicate.gaps !== seal.gaps) findings.push(`The attestation declares ${predicate.gaps} gaps, the seal ${seal.gaps}`); // U6
  if (findings.length > 0) return report('tampered', findings, parts);
  const after = { run: stream ?? '', seq: count, time: auditor.lastTime }; // both are made after the last record
  const refusal = seen.keys.refusalOf(kid, after);
  if (refusal !== undefined) return report('untrusted-key', [`The attestation does not count: ${refusal}`], parts);
  const ofLog = logged.place?.signers.map((signer) => seen.keys.refusalOf(signer, after)) ?? [];
  if (ofLog.length > 0 && !ofLog.includes(undefined)) return report('untrusted-key', [`The checkpoint does not count: ${ofLog.join('; ')}`], parts);
  if (withheld.length > 0) findings.push(`${withheld.length} events are withheld: record ${withheld.slice(0, 16).join(', ')}${withheld.length > 16 ? ' …' : ''}`);
  if (seal.gaps > 0) findings.push(`${seal.gaps} gaps are declared`);
  return report(findings.length > 0 ? 'complete-with-declared-gaps' : 'complete', findings, logged.place === undefined ? parts : { ...parts, log: logged.place });
}
